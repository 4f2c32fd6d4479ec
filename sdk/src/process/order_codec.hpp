// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/sdk/process/spec.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What a new keeper receives, and its binary form. Shared by the keeper and the SDK of one installation: the version
/// must be equal on both sides, there is no other compatibility.
namespace visor::sdk::wire {

inline constexpr std::uint32_t order_version = 1;
inline constexpr std::size_t max_order_bytes = 2 * 1024 * 1024;
/// SCM_RIGHTS takes 253 descriptors; one is the order itself.
inline constexpr std::size_t max_passed_fds = 200;

/// Launch: `spec`. Adopt: `spec` with nothing but names in its processes, and `adopted`.
/// On the wire, host_fd and netns_fd are indexes into the descriptors passed along.
struct Order {
  std::string run_dir;
  KeeperSpec spec;
  bool adopt = false;
  std::vector<ProcessIdentity> adopted;  ///< main first, then helpers
  std::vector<std::string> listeners;    ///< adopt: what the first keeper created
};

/// Host byte order; strings and lists carry their length.
std::string encode_order(const Order& order);
/// Empty when the bytes are no order of this version.
std::optional<Order> decode_order(std::string_view bytes);

/// The first rule that a specification breaks, as a sentence; empty when it is sound.
std::string find_problem(const ProcessSpec& spec);
std::string find_problem(const KeeperSpec& spec);
std::string find_problem(const Order& order);
/// Empty when the path fits a socket address.
std::string find_socket_path_problem(std::string_view path);

}  // namespace visor::sdk::wire

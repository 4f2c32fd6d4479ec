// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/unique_fd.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace visor::testing {

/// A stream socket that listens at a path, which must be free; throws visor::Error.
UniqueFd listen_at(const std::string& path);
/// A connection to one that does.
UniqueFd connect_to(const std::string& path);

/// Reads once what is there, without waiting, and hands over each descriptor that came along; 0 when the peer has gone,
/// no number when nothing is there yet.
std::optional<std::size_t> receive(int fd, std::span<char> bytes, const std::function<void(UniqueFd)>& on_fd);

}  // namespace visor::testing

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "manifest.hpp"
#include "visor/core/call.hpp"
#include "visor/core/unique_fd.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visor::sdk {

/// A state that a VM begins with instead of booting.
struct Arrival {
  Manifest of;                            ///< whose it is
  int fd = -1;                            ///< borrowed, or `file`; QEMU's own words come next
  UniqueFd file = {};                     ///< when it is this struct's own
  std::vector<std::string> capabilities;  ///< of the migration that made it
};

/// Finds the state for a VM; nothing when it boots.
using FindArrival = std::function<std::optional<Arrival>(const CallContext& call)>;

/// Where the record of a VM says from which folder its state comes.
inline constexpr std::string_view saved_in = "saved_in";
/// Where it says that its state is on its way out, or has left.
inline constexpr std::string_view leaving = "leaving";

/// How a descriptor is called on its way to QEMU.
inline constexpr const char* state_fd_name = "visor-state";

}  // namespace visor::sdk

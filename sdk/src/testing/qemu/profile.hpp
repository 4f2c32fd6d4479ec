// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/testing/qmp_script.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace visor::testing {

/// What differs between releases of QEMU, as far as the fake has it.
struct Profile {
  std::string_view name;
  FakeGreeting greeting;
  /// Measured on that release; otherwise read out of its published schema and lists of removed features, and seen on
  /// no machine.
  bool verified = false;
  bool status_has_singlestep = true;     ///< until 9.0
  bool tells_mem_unplug_error = true;    ///< until 9.1; DEVICE_UNPLUG_GUEST_ERROR is told by all
  bool device_add_checks_types = false;  ///< since 9.2: no text for a number or a boolean
  bool has_reconnect_ms = false;         ///< since 9.2
};

const std::array<Profile, 5>& profiles();
/// Null for a name that is none.
const Profile* find_profile(std::string_view name);

}  // namespace visor::testing

// SPDX-License-Identifier: Apache-2.0
#include "profile.hpp"

#include <algorithm>

namespace visor::testing {
namespace {

FakeGreeting greeting(std::uint32_t major, std::uint32_t minor, std::uint32_t micro) {
  FakeGreeting greeting;
  greeting.major = major;
  greeting.minor = minor;
  greeting.micro = micro;
  return greeting;
}

}  // namespace

const std::array<Profile, 5>& profiles() {
  static const std::array<Profile, 5> all{{
      {.name = "7.2", .greeting = greeting(7, 2, 22), .verified = true},
      {.name = "8.2", .greeting = greeting(8, 2, 0)},
      {.name = "9.1", .greeting = greeting(9, 1, 0), .status_has_singlestep = false, .tells_mem_unplug_error = false},
      {.name = "9.2",
       .greeting = greeting(9, 2, 0),
       .status_has_singlestep = false,
       .tells_mem_unplug_error = false,
       .device_add_checks_types = true,
       .has_reconnect_ms = true},
      {.name = "10.0",
       .greeting = greeting(10, 0, 0),
       .status_has_singlestep = false,
       .tells_mem_unplug_error = false,
       .device_add_checks_types = true,
       .has_reconnect_ms = true},
  }};
  return all;
}

const Profile* find_profile(std::string_view name) {
  const auto* const found = std::ranges::find(profiles(), name, &Profile::name);
  return found == profiles().end() ? nullptr : found;
}

}  // namespace visor::testing

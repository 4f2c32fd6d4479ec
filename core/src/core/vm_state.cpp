// SPDX-License-Identifier: Apache-2.0
#include "visor/core/vm_state.hpp"

#include "names.hpp"
#include "visor/core/error.hpp"

#include <algorithm>

namespace visor {
namespace {

using detail::name_in;
constexpr std::array<std::string_view, 6> states = {"undefined", "created", "running", "paused", "stopped", "failed"};
constexpr std::array<std::string_view, 7> causes = {"unknown",     "stopped",   "guest_shutdown", "guest_reset",
                                                    "guest_panic", "exit_code", "signal"};
constexpr std::array<std::string_view, 6> rungs = {"already_stopped", "guest", "hypervisor",
                                                   "terminate",       "kill",  "owner"};
constexpr std::array<std::string_view, 3> outcomes = {"gone", "refused", "pending"};

}  // namespace

std::string_view to_string(VmState state) noexcept { return name_in(states, state); }
std::string_view to_string(ExitCause cause) noexcept { return name_in(causes, cause); }
std::string_view to_string(StopRung rung) noexcept { return name_in(rungs, rung); }
std::string_view to_string(UnplugOutcome outcome) noexcept { return name_in(outcomes, outcome); }

VmState vm_state_from_string(std::string_view name) {
  const auto* found = std::ranges::find(states, name);
  if (found == states.end()) throw Error(Errc::invalid_config, "Unknown VM state '" + std::string{name} + "'");
  return static_cast<VmState>(found - states.begin());
}

VmState final_state(const ExitRecord& record) noexcept {
  switch (record.cause) {
    case ExitCause::stopped:
    case ExitCause::guest_shutdown:
    case ExitCause::guest_reset:
      return VmState::stopped;
    case ExitCause::unknown:
    case ExitCause::guest_panic:
    case ExitCause::exit_code:
    case ExitCause::signal:
      return VmState::failed;
  }
  return VmState::failed;
}

}  // namespace visor

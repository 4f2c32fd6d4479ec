// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/capabilities.hpp"
#include "visor/core/params.hpp"
#include "visor/core/vm_config.hpp"
#include "visor/core/vm_state.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace visor::mock {

enum class StartMode : std::uint8_t { ok, fail, die, hang };
enum class UnplugMode : std::uint8_t { gone, refuse, pending };

/// How a mock VM behaves. docs/MOCK.md describes each key.
struct Options {
  Params texts;  ///< as given, for the record
  StartMode start = StartMode::ok;
  std::chrono::milliseconds start_time{0};
  std::optional<std::chrono::milliseconds> ready_after{0};  ///< empty: never
  std::optional<std::chrono::milliseconds> exit_after;
  std::optional<std::chrono::milliseconds> reset_after;
  std::optional<std::chrono::milliseconds> panic_after;
  std::optional<std::chrono::milliseconds> crash_after;
  std::optional<std::chrono::milliseconds> error_after;
  std::optional<std::chrono::milliseconds> silent_after;
  StopRung stop_rung = StopRung::guest;  ///< the first rung of the ladder that works
  UnplugMode unplug = UnplugMode::gone;
  std::map<std::string, UnplugMode> unplug_of;  ///< by device id
  std::optional<std::chrono::milliseconds> unplug_after;
  std::uint32_t device_slots = 30;
  std::uint32_t max_vcpus = 255;
  std::vector<Feature> without;
};

/// Takes the keys that begin with "mock." and leaves the others alone. Throws invalid_config naming key and value.
Options parse_options(const Params& params);
/// What holds for a VM of this configuration: the host's options, overruled by host.hypervisor_params.
Options options_of(const Params& host, const VmConfig& config);

}  // namespace visor::mock

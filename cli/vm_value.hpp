// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/error.hpp"
#include "visor/core/value.hpp"
#include "visor/core/vm_state.hpp"
#include "visor/runtime/runtime.hpp"

#include <chrono>
#include <string>

namespace visor::cli {

/// "2024-05-01T12:00:00.250Z"
std::string iso_time(std::chrono::system_clock::time_point time);

Value error_value(const Error& error);
Value exit_value(const ExitRecord& record);
/// What `ps` shows of a VM.
Value entry_value(const VmEntry& entry);
/// Whether the configuration passes anything to the hypervisor in its own words.
bool is_customised(const VmConfig& config);
/// "running", "paused (guest panicked)", "running (unresponsive)" or "?".
std::string state_text(const VmEntry& entry);
/// What a person wants to know about a VM's end, in a line or some.
std::string exit_text(const std::string& id, const ExitRecord& record);

}  // namespace visor::cli

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"
#include "visor/core/vm_state.hpp"
#include "visor/sdk/exit.hpp"
#include "visor/sdk/process/exit_record.hpp"

#include <optional>
#include <string>

namespace visor::sdk {

/// What a keeper's record means: events come before the exit code, since QEMU exits with 0 after a guest's panic.
visor::ExitRecord explain_exit(const ExitRecord& kept);

/// Whether a process that serves a device of QEMU ended badly before QEMU did. [file I/O]
bool helper_failed(const std::string& run_dir);

/// An end that no keeper wrote down, as the VM's record keeps it.
Value exit_to_value(const visor::ExitRecord& exit);
/// Nothing when the value is none or no such end.
std::optional<visor::ExitRecord> exit_from_value(const Value* value);

}  // namespace visor::sdk

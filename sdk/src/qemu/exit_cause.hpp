// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/vm_state.hpp"
#include "visor/sdk/process/exit_record.hpp"

#include <string>
#include <string_view>

namespace visor::sdk {

/// What a keeper's record means: events come before the exit code, since QEMU exits with 0 after a guest's panic.
visor::ExitRecord explain_exit(const ExitRecord& kept);

/// The record of a VM whose keeper died before it did.
visor::ExitRecord unwitnessed_exit();

/// The last lines of a program's stderr as one line of a message, bounded; control characters are escaped.
std::string stderr_excerpt(std::string_view stderr_tail);

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/vm_state.hpp"
#include "visor/sdk/export.h"
#include "visor/sdk/process/exit_record.hpp"

#include <string>
#include <string_view>

/// What every plugin needs to make a VM's end out of the keeper's record. Which cause an exit code or a last line has,
/// only the plugin knows. [any thread] [nothing here blocks]
namespace visor::sdk {

/// The record of a VM whose keeper died before it did.
VISOR_SDK_EXPORT visor::ExitRecord unwitnessed_exit();

/// The last lines of a program's stderr as one line of a message, bounded; control characters are escaped.
VISOR_SDK_EXPORT std::string stderr_excerpt(std::string_view stderr_tail);

/// The rung of the stop ladder that a keeper's record tells of; already_stopped when nobody asked for the end.
VISOR_SDK_EXPORT StopRung rung_of(EndedBy ended_by) noexcept;

/// Whether the guest itself ended the VM: a shutdown or a reset.
VISOR_SDK_EXPORT bool ended_by_guest(ExitCause cause) noexcept;

}  // namespace visor::sdk

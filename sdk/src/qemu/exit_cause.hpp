// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/vm_state.hpp"
#include "visor/sdk/exit.hpp"
#include "visor/sdk/process/exit_record.hpp"

namespace visor::sdk {

/// What a keeper's record means: events come before the exit code, since QEMU exits with 0 after a guest's panic.
visor::ExitRecord explain_exit(const ExitRecord& kept);

}  // namespace visor::sdk

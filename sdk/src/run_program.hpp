// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/sdk/launch.hpp"

namespace visor::sdk {

/// launch_qemu() for any program.
RawEnd run_program(const RawLaunch& launch, const CallContext& call);

}  // namespace visor::sdk

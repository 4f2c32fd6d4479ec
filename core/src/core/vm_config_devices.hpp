// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/problems.hpp"
#include "visor/core/vm_config.hpp"

namespace visor::detail {

/// How the devices of one VM go together; each of them is sound already. What is wrong is added.
void check_devices(Problems& problems, const VmConfig& config);

}  // namespace visor::detail

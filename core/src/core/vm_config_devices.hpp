// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/vm_config.hpp"

namespace visor::detail {

/// How the devices of one VM go together; each of them is sound already. Throws Error(invalid_config).
void check_devices(const VmConfig& config);

}  // namespace visor::detail

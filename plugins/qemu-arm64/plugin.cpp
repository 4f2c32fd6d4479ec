// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/plugin.hpp"

#include "arm64_arch.hpp"
#include "visor/sdk/qemu/qemu_plugin.hpp"

VISOR_DEFINE_QEMU_PLUGIN("qemu-arm64", "arm64", visor::arm64::Arm64Arch);

// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/plugin.hpp"

#include "amd64_arch.hpp"
#include "visor/sdk/qemu/qemu_plugin.hpp"

VISOR_DEFINE_QEMU_PLUGIN("qemu-amd64", "amd64", visor::amd64::Amd64Arch);

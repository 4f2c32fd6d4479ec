// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/plugin.hpp"

#include "ppc64le_arch.hpp"
#include "visor/sdk/qemu/qemu_plugin.hpp"

VISOR_DEFINE_QEMU_PLUGIN("qemu-ppc64le", "ppc64le", visor::ppc64le::Ppc64leArch);

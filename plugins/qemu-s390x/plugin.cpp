// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/plugin.hpp"

#include "s390x_arch.hpp"
#include "visor/sdk/qemu/qemu_plugin.hpp"

VISOR_DEFINE_QEMU_PLUGIN("qemu-s390x", "s390x", visor::s390x::S390xArch);

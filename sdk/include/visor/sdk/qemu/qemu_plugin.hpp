// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/host_context.hpp"
#include "visor/core/hypervisor.hpp"
#include "visor/core/qemu_arch.hpp"
#include "visor/sdk/export.h"
#include "visor/sdk/plugin.hpp"

#include <memory>

namespace visor::sdk {

/// The QEMU driver for one architecture: everything a QEMU plugin is, given its facts.
///
/// It knows these options of the host. In milliseconds from 1 to 3'600'000: `qmp_probe_interval_ms` (5000), how
/// often a VM that nobody asks anything is asked whether it still answers, and `qmp_probe_limit_ms` (5000), how long it
/// may be silent until it counts as not responsive. `caps_cache_dir` is a folder for what QEMUs can do, so that each is
/// asked once and not by every process: an absolute path, or "off" for none; without it the user's cache serves
/// (docs/QEMU.md). Throws invalid_config for other values.
VISOR_SDK_EXPORT std::unique_ptr<Hypervisor> make_qemu_hypervisor(const HostContext& host,
                                                                  std::unique_ptr<const QemuArch> arch);

/// The two factories of a QEMU plugin whose facts are `Arch`, a default-constructible QemuArch.
template <class Arch>
struct QemuPluginFactory {
  static Hypervisor* create_hypervisor(const HostContext* host) {
    return make_qemu_hypervisor(*host, std::make_unique<Arch>()).release();
  }
  static QemuArch* create_qemu_arch() { return new Arch; }
};

}  // namespace visor::sdk

/// A whole QEMU plugin in one line: VISOR_DEFINE_QEMU_PLUGIN("qemu-amd64", "amd64", visor::amd64::Amd64Arch);
#define VISOR_DEFINE_QEMU_PLUGIN(name, arch, ...)                                                                    \
  VISOR_DEFINE_PLUGIN(VISOR_PLUGIN_QEMU, name, arch, &visor::sdk::QemuPluginFactory<__VA_ARGS__>::create_hypervisor, \
                      &visor::sdk::QemuPluginFactory<__VA_ARGS__>::create_qemu_arch)

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/qemu_arch.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Answers that most architectures share, for QemuArch implementations to call.
namespace visor::sdk {

/// The machine that the configuration names, or the default one.
/// Throws invalid_config for one that the architecture does not have, listing those that it has.
VISOR_SDK_EXPORT QemuMachine machine_of(const QemuArch& arch, const ArchInput& in);

/// cpus of maxcpus, each in a socket of its own; maxcpus is cpus where the machine cannot plug vCPUs.
VISOR_SDK_EXPORT SmpTopology one_core_sockets(const QemuMachine& machine, const ArchInput& in);

/// Size, and room: up to the maximum where the configuration asks for more than the boot memory and the machine can
/// plug it, for the image where it is non-volatile memory (rounded up to `block_mib`), and for the configured offset
/// above them. Everything is rounded up to `alignment_mib`.
VISOR_SDK_EXPORT MemoryTopology plain_memory(const QemuMachine& machine, const ArchInput& in,
                                             std::uint64_t alignment_mib, std::uint64_t block_mib);

/// What a machine can do by its table: what can be plugged where its buses, vCPUs and memory allow it, and why the rest
/// is missing.
VISOR_SDK_EXPORT Capabilities machine_capabilities(const QemuMachine& machine);

/// The machine option that the user gives ("gic-version"); empty when there is none.
VISOR_SDK_EXPORT std::string user_machine_option(const VmConfig& config, std::string_view key);

/// The configured model, or `fallback` ("host" under KVM), with the configured features and then these appended. Throws
/// invalid_config for a comma or a blank in one of them.
VISOR_SDK_EXPORT std::string cpu_model_of(const ArchInput& in, std::string_view fallback,
                                          const std::vector<std::string>& features = {});

/// Refuses what no machine of the architecture or not this machine can do: too many vCPUs, memory plugging, nvdimm,
/// iommu, a CPU model "host" without KVM. Throws invalid_config or unsupported.
VISOR_SDK_EXPORT void check_common_limits(const QemuArch& arch, const ArchInput& in);

}  // namespace visor::sdk

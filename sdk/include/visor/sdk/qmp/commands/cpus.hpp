// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/value.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace visor::sdk::qmp {

class Client;

/// Where a CPU sits in the machine. An id that the architecture does not have is absent, which is not 0.
struct VISOR_SDK_EXPORT CpuProperties {
  std::optional<std::int64_t> node;  ///< of NUMA
  std::optional<std::int64_t> socket;
  std::optional<std::int64_t> die;
  std::optional<std::int64_t> cluster;
  std::optional<std::int64_t> core;
  std::optional<std::int64_t> thread;
  std::vector<std::pair<std::string, std::int64_t>> others = {};  ///< ids of later QEMUs ("module-id", "drawer-id")

  /// As QEMU writes them, {"core-id": 1, …}: exactly what device_add wants for a hotpluggable CPU, and nothing that it
  /// would refuse.
  [[nodiscard]] Value to_value() const;
  friend bool operator==(const CpuProperties&, const CpuProperties&) = default;
};

/// One virtual CPU.
struct CpuInfo {
  std::uint32_t index = 0;
  std::int64_t thread_id = 0;  ///< the thread of the host that runs it
  std::string qom_path = {};
  std::string target = {};  ///< QEMU's name of the guest architecture ("x86_64")
  CpuProperties properties = {};
  std::string s390_state = {};  ///< "operating", "stopped", …; empty on other architectures
};

/// A place for a CPU (on ppc64: for a core with its threads).
struct HotpluggableCpu {
  std::string type = {};  ///< the driver for device_add
  std::uint32_t vcpus = 0;
  CpuProperties properties = {};
  std::optional<std::string> qom_path = {};  ///< of the CPU that is there; nothing when the place is free
  friend bool operator==(const HotpluggableCpu&, const HotpluggableCpu&) = default;
};

/// Typed commands. All [any thread] [blocks]; deadlines and errors as Client::call().
///
/// query-cpus, which interrupted the vCPUs to ask them, was removed in QEMU 6.0, and with it `current`, `halted`, `pc`
/// and `arch`; query-cpus-fast has the rest, and `target` instead of `arch`.
VISOR_SDK_EXPORT std::vector<CpuInfo> query_cpus_fast(Client& client, const CallContext& call);
/// In QEMU's order: on x86 the highest first. Nothing when the machine has no CPU hotplug (microvm, virt of aarch64).
VISOR_SDK_EXPORT std::optional<std::vector<HotpluggableCpu>> query_hotpluggable_cpus(Client& client,
                                                                                     const CallContext& call);

}  // namespace visor::sdk::qmp

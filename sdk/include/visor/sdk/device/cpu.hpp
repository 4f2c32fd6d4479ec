// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"
#include "visor/sdk/device/command_line.hpp"
#include "visor/sdk/device/property_bag.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace visor::sdk {

/// A virtual CPU, or a core of them, to be plugged. Which properties say where it goes differs between architectures
/// and with the topology, and QEMU refuses those that it does not list: so they are taken over from its list.
struct VISOR_SDK_EXPORT CpuDevice {
  std::string id;
  std::string driver;                                             ///< "qemu64-x86_64-cpu"
  std::vector<std::pair<std::string, std::uint64_t>> props = {};  ///< {"socket-id", 1}, …; what is absent is not sent

  /// From an entry of query-hotpluggable-cpus. Throws invalid_config for one of another shape, and invalid_state when
  /// the CPU is there already.
  static CpuDevice from_entry(const Value& entry, std::string id);

  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/sdk/device/command_line.hpp"
#include "visor/sdk/device/property_bag.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The board, its processors and its memory.
namespace visor::sdk {

struct VISOR_SDK_EXPORT Machine {
  std::string type;                 ///< "q35", "virt"; without a version, since QEMU drops old ones
  std::string accelerator = {};     ///< "kvm", "tcg", or "kvm:tcg" for the first that works
  std::string memory_backend = {};  ///< the id of a MemoryBackend as large as GuestMemory::size_mib
  std::string kernel_irqchip = {};  ///< kvm: "on", "off", "split"
  std::string gic_version = {};     ///< virt: "2", "3", "4", "max", and with KVM "host"
  std::string iommu = {};           ///< virt: "none", "smmuv3"
  std::optional<bool> nvdimm = {};  ///< takes Nvdimm
  std::optional<bool> usb = {};
  std::optional<bool> graphics = {};
  std::vector<std::string> options = {};  ///< "key=value" each, after all others; QEMU takes no key alone
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

/// The processors' model and its features, in QEMU's own words ("host", "max,-svm").
struct VISOR_SDK_EXPORT CpuModel {
  std::string model;
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

/// How many processors, and in what groups. 0: not said. What is said must multiply to max_cpus.
struct VISOR_SDK_EXPORT Smp {
  std::uint32_t cpus = 1;
  std::uint32_t max_cpus = 0;  ///< with those that can be plugged
  std::uint32_t sockets = 0;
  std::uint32_t dies = 0;  ///< a socket; PC machines alone
  std::uint32_t cores = 0;
  std::uint32_t threads = 0;
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

/// The guest's memory.
struct VISOR_SDK_EXPORT GuestMemory {
  std::uint64_t size_mib = 0;
  std::uint64_t max_mib = 0;  ///< what plugging can reach; 0: nothing can be plugged
  std::uint32_t slots = 0;    ///< for memory modules; goes with max_mib
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

/// A NUMA node with the memory of a backend. s390x has none: there memory is Machine::memory_backend.
struct VISOR_SDK_EXPORT NumaNode {
  std::optional<std::uint32_t> node = {};
  std::string memdev = {};  ///< the id of a MemoryBackend
  std::optional<std::uint32_t> first_cpu = {};
  std::optional<std::uint32_t> last_cpu = {};
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

/// How far two nodes are from each other; 10 is a node's own memory, 255 cannot be reached.
struct VISOR_SDK_EXPORT NumaDistance {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::uint32_t distance = 0;
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/qemu_arch.hpp"
#include "visor/sdk/device/command_line.hpp"
#include "visor/sdk/device/place.hpp"
#include "visor/sdk/device/property_bag.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <optional>
#include <string>

/// What PCI devices are plugged into, and what stands between them and memory.
namespace visor::sdk {

enum class BridgeKind : std::uint8_t {
  pci,   ///< on a PCI bus
  pcie,  ///< on a PCI Express bus, with a PCI bus behind it
};

/// A bridge to a bus of its own. Its place has no option ROM: QEMU aborts with one.
struct VISOR_SDK_EXPORT PciBridge {
  std::string id;
  BridgeKind kind = BridgeKind::pci;
  std::uint16_t chassis = 0;                               ///< pci: 1 to 255, each once in a machine
  std::optional<bool> shpc = {};                           ///< pci: the standard hot-plug controller
  std::optional<std::uint64_t> io_reserve_bytes = {};      ///< pci, all reserves: room for what is plugged later
  std::optional<std::uint64_t> mem_reserve_bytes = {};     ///< not prefetchable
  std::optional<std::uint64_t> pref32_reserve_bytes = {};  ///< prefetchable, below 4 GiB; not with the next
  std::optional<std::uint64_t> pref64_reserve_bytes = {};  ///< prefetchable
  std::optional<std::uint32_t> bus_reserve = {};           ///< bus numbers
  Place place = {};
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

/// A port of the root complex, into which one PCI Express device is plugged.
struct VISOR_SDK_EXPORT PcieRootPort {
  std::string id;
  std::uint16_t chassis = 0;  ///< to 255; chassis and slot together are there once in a machine
  std::uint16_t slot = 0;
  bool multifunction = false;                     ///< the other functions of its slot are ports, too
  std::optional<std::uint32_t> bus_reserve = {};  ///< bus numbers, for a bridge that is plugged into it
  std::optional<std::uint64_t> pref64_reserve_bytes = {};
  std::optional<std::uint64_t> pref32_reserve_bytes = {};  ///< not with the one before
  std::optional<std::uint64_t> mem_reserve_bytes = {};
  std::optional<std::uint64_t> io_reserve_bytes = {};
  std::optional<bool> hotplug = {};
  Place place = {};
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

/// The IOMMU of a q35 machine. With KVM its machine needs kernel_irqchip split for interrupt remapping.
struct VISOR_SDK_EXPORT IntelIommu {
  std::string id;
  OnOffAuto interrupt_remapping = OnOffAuto::automatic;
  bool device_iotlb = false;       ///< devices may keep translations
  bool caching_mode = false;       ///< what assigned host devices need
  std::uint16_t address_bits = 0;  ///< 39 or 48; 0: QEMU's own
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

/// An IOMMU for machines with PCI whose kernel has its driver. The third kind, SMMUv3, is an option of the virt
/// machine: Machine::iommu.
struct VISOR_SDK_EXPORT VirtioIommu {
  std::string id;
  std::optional<bool> boot_bypass = {};  ///< devices reach memory as long as the guest has not set it up
  Place place = {};                      ///< on the root bus
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

}  // namespace visor::sdk

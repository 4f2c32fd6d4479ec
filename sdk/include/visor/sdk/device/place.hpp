// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/qemu_arch.hpp"
#include "visor/sdk/device/property_bag.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace visor::sdk {

/// QEMU's word for a switch that it sets itself when nobody does.
enum class OnOffAuto : std::uint8_t { automatic, on, off };

/// Where a device is plugged, and what its transport lets be said of it. What is left out is not said, and QEMU
/// chooses.
struct VISOR_SDK_EXPORT Place {
  std::string bus = {};                             ///< pci, mmio: the id of the bus ("root-port0")
  std::string addr = {};                            ///< pci: slot and function in hex ("4", "0x4", "04.1")
  std::string devno = {};                           ///< ccw: channel subsystem, set and number in hex ("fe.0.0004")
  std::optional<std::string> romfile = {};          ///< pci: the option ROM; empty text takes the device's own one away
  bool disable_modern = false;                      ///< pci, virtio: only the legacy interface
  OnOffAuto disable_legacy = OnOffAuto::automatic;  ///< pci, virtio: no legacy interface, which knows no IOMMU
  bool iommu_platform = false;                      ///< virtio: the guest's IOMMU stands between
  bool ats = false;                                 ///< pci, virtio: may keep translations of that IOMMU (device_iotlb)

  /// Throws invalid_config, naming the device and the field, for what this transport does not have or cannot read.
  void check(std::string_view what, const std::string& id, VirtioTransport transport) const;
  /// The same for a device that is not virtio.
  void check_plain(std::string_view what, const std::string& id, VirtioTransport transport) const;
  void add_to(PropertyBag& bag) const;
};

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/sdk/device/command_line.hpp"
#include "visor/sdk/device/place.hpp"
#include "visor/sdk/device/property_bag.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <optional>
#include <string>

/// Devices of the host that a guest gets as they are. The kernel's VFIO drivers must hold them.
namespace visor::sdk {

/// A PCI device of the host, or a mediated one.
struct VISOR_SDK_EXPORT VfioPci {
  std::string id;
  std::string host = {};                        ///< its address ("0000:01:00.0", "01:00.0"); or
  std::string sysfsdev = {};                    ///< its folder below /sys; mediated devices have only this
  std::optional<std::uint16_t> vendor_id = {};  ///< what the guest sees instead of its own
  std::optional<std::uint16_t> device_id = {};
  Place place = {};
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

/// A channel device of an s390x host, mediated.
struct VISOR_SDK_EXPORT VfioCcw {
  std::string id;
  std::string sysfsdev;
  std::string devno = {};  ///< the number in the guest ("fe.0.0004")
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

/// A matrix of crypto adapters of an s390x host. A machine has at most one.
struct VISOR_SDK_EXPORT VfioAp {
  std::string id;
  std::string sysfsdev;
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

}  // namespace visor::sdk

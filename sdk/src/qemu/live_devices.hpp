// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/vm_record.hpp"
#include "visor/sdk/device/addresses.hpp"
#include "visor/sdk/device/place.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace visor::sdk {

/// Places as they stand in a VM's record: {"<id>": {"bus", "addr"} or {"devno"}}.
Value places_to_value(const std::map<std::string, Place>& places);
/// Throws invalid_config for what places_to_value() does not write. Null: there are none.
std::map<std::string, Place> places_from_value(const Value* value);

/// Where a record says that QEMU, which finds places for the devices from the start, would find others now.
inline constexpr std::string_view layout_changed = "layout_changed";

/// The devices of a running VM and where they sit: config.devices, blob["addresses"] and blob["places"] of its record.
struct LiveDevices {
  std::vector<DeviceConfig> devices;
  Addresses addresses;
  std::map<std::string, Place> places;  ///< of those that were plugged
  bool others_left = false;             ///< one of the devices from the start has gone

  /// Throws invalid_config, unsupported for a record that another version wrote.
  static LiveDevices of(const VmRecord& record);
  void put_into(VmRecord& record) const;
  /// Null for one that is not there.
  [[nodiscard]] const DeviceConfig* find(std::string_view id) const;
  /// The guest has let go of it: id and address are free.
  void erase(const std::string& id);
};

}  // namespace visor::sdk

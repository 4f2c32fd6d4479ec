// SPDX-License-Identifier: Apache-2.0
#include "live_devices.hpp"

#include "visor/core/error.hpp"

#include <algorithm>
#include <utility>

namespace visor::sdk {
namespace {

std::string text_of(const Value& place, std::string_view key) {
  const auto* const member = place.find(key);
  return member == nullptr ? std::string{} : member->as_string();
}

}  // namespace

Value places_to_value(const std::map<std::string, Place>& places) {
  auto value = Value::map();
  for (const auto& [id, place] : places) {
    auto one = Value::map();
    if (!place.bus.empty()) one.set("bus", place.bus);
    if (!place.addr.empty()) one.set("addr", place.addr);
    if (!place.devno.empty()) one.set("devno", place.devno);
    value.set(id, std::move(one));
  }
  return value;
}

std::map<std::string, Place> places_from_value(const Value* value) {
  std::map<std::string, Place> places;
  if (value == nullptr || value->is_null()) return places;
  for (const auto& [id, one] : value->as_map()) {
    if (!one.is_map()) throw Error(Errc::invalid_config, "The places in the VM's record: that of '" + id + "' is none");
    auto& place = places[id];
    place.bus = text_of(one, "bus");
    place.addr = text_of(one, "addr");
    place.devno = text_of(one, "devno");
  }
  return places;
}

LiveDevices LiveDevices::of(const VmRecord& record) {
  return {
      .devices = record.config.devices,
      .addresses = Addresses::from_value(record.blob.at("addresses")),
      .places = places_from_value(record.blob.find("places")),
      .others_left = record.blob.find(layout_changed) != nullptr && *record.blob.find(layout_changed) == Value{true}};
}

void LiveDevices::put_into(VmRecord& record) const {
  record.config.devices = devices;
  record.blob.set("addresses", addresses.to_value()).set("places", places_to_value(places));
  if (others_left) record.blob.set(layout_changed, true);
}

const DeviceConfig* LiveDevices::find(std::string_view id) const {
  const auto found = std::ranges::find_if(devices, [&](const auto& device) { return device_id(device) == id; });
  return found == devices.end() ? nullptr : &*found;
}

void LiveDevices::erase(const std::string& id) {
  if (find(id) != nullptr && !places.contains(id)) others_left = true;
  std::erase_if(devices, [&](const auto& device) { return device_id(device) == id; });
  addresses.settle(id, UnplugOutcome::gone);
  addresses.remove_bus(id + ".0");  // of a controller that could not be taken back at once
  places.erase(id);
}

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#include "guest_address.hpp"

#include "visor/core/error.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace visor::sdk {
namespace {

constexpr int most_nested = 16;  // bridges behind bridges

std::uint64_t number_in(const Value& map, std::string_view key) {
  const auto* const member = map.find(key);
  return member != nullptr && member->kind() == Value::Kind::integer && member->as_number() >= 0 ? member->as_uint()
                                                                                                 : 0;
}

std::string find_in(const Value& devices, std::string_view id, int depth) {
  if (!devices.is_list() || depth > most_nested) return {};
  for (const auto& device : devices.as_list()) {
    const auto* const name = device.find("qdev_id");
    if (name != nullptr && name->is_string() && name->as_string() == id) {
      std::array<char, 80> text{};
      (void)std::snprintf(text.data(), text.size(), "0000:%02x:%02x.%x",
                          static_cast<unsigned>(number_in(device, "bus") & 0xff),
                          static_cast<unsigned>(number_in(device, "slot") & 0xff),
                          static_cast<unsigned>(number_in(device, "function") & 0xf));
      return text.data();
    }
    const auto* const bridge = device.find("pci_bridge");
    const auto* const behind = bridge != nullptr ? bridge->find("devices") : nullptr;
    if (behind == nullptr) continue;
    if (auto found = find_in(*behind, id, depth + 1); !found.empty()) return found;
  }
  return {};
}

/// QEMU has not said it, or there is no number yet.
std::string in_qemus_words(const Place& place) {
  const auto slot = place.addr.size() == 1 ? '0' + place.addr : place.addr;
  return place.bus + ':' + slot + (slot.find('.') == std::string::npos ? ".0" : "");
}

std::string ask_for_pci(qmp::Client& client, const std::string& id, const Place& place, const CallContext& call) {
  try {
    auto address = pci_address(client.execute("query-pci", {}, call), id);
    if (!address.empty()) return address;
  } catch (const Error&) {
    return in_qemus_words(place);  // the device is there, whatever has become of the question
  }
  return in_qemus_words(place);
}

}  // namespace

std::string pci_address(const Value& buses, std::string_view id) {
  if (!buses.is_list()) return {};
  for (const auto& bus : buses.as_list()) {
    const auto* const devices = bus.find("devices");
    if (devices == nullptr) continue;
    if (auto found = find_in(*devices, id, 0); !found.empty()) return found;
  }
  return {};
}

HotplugResult guest_address(qmp::Client& client, const DeviceConfig& device, const Place& place,
                            const CallContext& call) {
  const auto& id = device_id(device);
  if (const auto* const port = std::get_if<SerialPortConfig>(&device)) return {id, "port", port->name};
  // "fe.0.0005": QEMU's subsystem fe is the guest's 0
  if (!place.devno.empty()) return {id, "ccw", '0' + place.devno.substr(place.devno.find('.'))};
  if (place.bus.empty()) return {id, "", ""};
  const auto* const disk = std::get_if<DiskConfig>(&device);
  if (disk != nullptr && place.bus.starts_with("visor-scsi")) return {id, "scsi", "0:0:" + place.addr + ":0"};
  return {id, "pci", ask_for_pci(client, id, place, call)};
}

}  // namespace visor::sdk

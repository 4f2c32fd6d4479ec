// SPDX-License-Identifier: Apache-2.0
// Disks, before and after the start.
#include "command.hpp"
#include "config.hpp"
#include "visor/core/error.hpp"
#include "vm.hpp"

#include <algorithm>

namespace uml {

using namespace std::chrono_literals;
using visor::Errc;
using visor::Error;
using visor::Feature;

namespace {

/// Which feature plugging a device is; nothing for what is there from the start or not at all.
std::optional<Feature> hotplug_feature(const visor::DeviceConfig& device) {
  if (std::holds_alternative<visor::DiskConfig>(device)) return Feature::hotplug_disk;
  if (std::holds_alternative<visor::NicConfig>(device)) return Feature::hotplug_nic;
  if (std::holds_alternative<visor::SerialPortConfig>(device)) return Feature::hotplug_serial_port;
  if (std::holds_alternative<visor::VsockConfig>(device)) return Feature::hotplug_vsock;
  if (std::holds_alternative<visor::VfioConfig>(device)) return Feature::hotplug_vfio;
  if (std::holds_alternative<visor::VhostUserConfig>(device)) return Feature::hotplug_vhost_user;
  return std::nullopt;
}

auto find_device(visor::VmConfig& config, std::string_view id) {
  return std::ranges::find_if(config.devices, [&](const auto& device) { return device_id(device) == id; });
}

/// The disk with an id of its own. Throws already_exists.
visor::DiskConfig with_id(const visor::DeviceConfig& device, visor::VmConfig config) {
  if (!device_id(device).empty() && find_device(config, device_id(device)) != config.devices.end()) {
    throw Error(Errc::already_exists, "There is a device '" + device_id(device) + "' already");
  }
  auto disk = as_disk(device);
  if (disk.id.empty()) disk.id = free_id(config);
  return disk;
}

void plug(visor::VmRecord& record, const visor::DiskConfig& disk, unsigned unit) {
  record.config.devices.emplace_back(disk);
  auto units = record.blob.at("units");
  record.blob.set("units", units.set(disk.id, unit));
}

void unplug(visor::VmRecord& record, std::string_view id) {
  record.config.devices.erase(find_device(record.config, id));
  auto rest = visor::Value::map();
  for (const auto& [other, unit] : record.blob.at("units").as_map()) {
    if (other != id) rest.set(other, unit);
  }
  record.blob.set("units", rest);
}

}  // namespace

void UmlVm::add_device(const visor::DeviceConfig& device) {
  const auto pass = gate_.enter(10s, "another operation on the VM");
  if (launched() || known_exit()) refuse_state("add_device", "created", 1s);
  own("add_device", 10s);
  if (launched()) refuse_state("add_device", "created", 1s);
  const auto disk = with_id(device, config());
  auto config = this->config();
  config.devices.emplace_back(disk);
  (void)checked(config);
  const auto unit = free_unit(record().blob.at("units"));
  change_record([&](visor::VmRecord& record) { plug(record, disk, unit); });
}

visor::HotplugResult UmlVm::hotplug_add(const visor::DeviceConfig& device, const visor::CallContext& call) {
  const auto feature = hotplug_feature(device);
  if (!feature) (void)as_disk(device);  // says what it is that UML does not have
  require_live(*feature, call);
  const auto pass = gate_.enter(call, "another operation on the VM");
  own("hotplug_add", call);
  require_live(*feature, call);
  const auto disk = with_id(device, config());
  auto config = this->config();
  config.devices.emplace_back(disk);
  (void)checked(config);
  const auto unit = free_unit(record().blob.at("units"));
  const auto answer = mconsole_.ask("config " + unit_option(unit, disk), call);
  if (answer.error != 0) throw Error(Errc::io_error, "Cannot plug disk '" + disk.id + "': " + answer.text);
  change_record([&](visor::VmRecord& record) { plug(record, disk, unit); });
  return {disk.id, "name", unit_name(unit)};
}

visor::UnplugOutcome UmlVm::hotplug_remove(std::string_view id, const visor::CallContext& call) {
  require_live(Feature::hotplug_disk, call);
  const auto pass = gate_.enter(call, "another operation on the VM");
  own("hotplug_remove", call);
  require_live(Feature::hotplug_disk, call);
  const auto units = record().blob.at("units");
  const auto* unit = units.find(id);
  if (unit == nullptr) throw Error(Errc::not_found, "There is no device '" + std::string{id} + "'");
  // The command sleeps in the kernel, and meanwhile a guest that ought to stand still would run.
  if (is_paused()) return visor::UnplugOutcome::pending;
  const auto name = unit_name(static_cast<unsigned>(unit->as_uint()));
  try {
    const auto answer = mconsole_.ask("remove " + name, call);
    // An earlier removal that nobody waited for: it is gone now.
    if (answer.error != 0 && answer.error != -ENODEV) return visor::UnplugOutcome::refused;
  } catch (const Error& error) {
    if (error.code() != Errc::timeout) throw;
    return visor::UnplugOutcome::pending;
  }
  change_record([&](visor::VmRecord& record) { unplug(record, id); });
  visor::Event event;
  event.kind = visor::EventKind::device_removed;
  event.name = to_string(event.kind);
  event.data = visor::Value::map({{"device", id}});
  event.time = std::chrono::system_clock::now();
  tracker_->on_event(event);
  return visor::UnplugOutcome::gone;
}

visor::MemoryResize UmlVm::resize_memory(std::uint64_t /*target_mib*/, std::uint64_t /*block_mib*/,
                                         const visor::CallContext& /*call*/) {
  require(Feature::resize_memory);
  return {};
}

visor::VcpuResize UmlVm::resize_vcpus(std::uint32_t /*target*/, const visor::CallContext& /*call*/) {
  require(Feature::resize_vcpus);
  return {};
}

std::vector<visor::VcpuThread> UmlVm::thread_ids(const visor::CallContext& /*call*/) {
  require(Feature::thread_ids);
  return {};
}

}  // namespace uml

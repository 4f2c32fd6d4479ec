// SPDX-License-Identifier: Apache-2.0
// The part of a handle that adds, removes and resizes.
#include "visor/core/error.hpp"
#include "vm.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace visor::mock {
namespace {

using namespace std::chrono_literals;
using enum VmState;

const DeviceConfig* find_device(const VmConfig& config, std::string_view id) {
  const auto found = std::ranges::find(config.devices, id, [](const auto& device) { return device_id(device); });
  return found == config.devices.end() ? nullptr : &*found;
}

bool can_hotplug(const Capabilities& capabilities) {
  using enum Feature;
  constexpr std::array all = {hotplug_disk,  hotplug_nic,  hotplug_serial_port,
                              hotplug_vsock, hotplug_vfio, hotplug_vhost_user};
  return std::ranges::any_of(all, [&](Feature feature) { return capabilities.has(feature); });
}

/// The device as the configuration's rules have it, with its defaults.
DeviceConfig checked_device(const VmConfig& config, DeviceConfig device) {
  auto probe = config;
  probe.devices = {std::move(device)};
  ConfigDefaults defaults;
  defaults.max_vcpus = config.cpu.max_count;
  defaults.needs_boot_files = false;
  return normalised(probe, defaults).devices.at(0);
}

}  // namespace

void MockVm::add_device(const DeviceConfig& device) {
  require(Feature::add_device);
  change_in({created}, "add a device to", 5s, [&](Machine& machine, const Now&) {
    if (starting_) {
      throw Error(Errc::invalid_state, "Cannot add a device to VM " + id_ + ": it is being started, not created");
    }
    machine.add_device(checked_device(machine.record.config, device));
  });
}

void MockVm::require_hotplug(const DeviceConfig& device) const {
  const auto feature = hotplug_feature(device);
  if (feature) return require(*feature);
  throw Error(Errc::unsupported, "The mock VM " + id_ + " can have a device of type " +
                                     std::string{device_type(device)} + " only from the start");
}

HotplugResult MockVm::hotplug_add(const DeviceConfig& device, const CallContext& call) {
  require_hotplug(device);
  HotplugResult result;
  change_in({running, paused}, "plug a device into", call, [&](Machine& machine, const Now&) {
    result = machine.add_device(checked_device(machine.record.config, device));
  });
  return result;
}

UnplugOutcome MockVm::hotplug_remove(std::string_view device_id, const CallContext& call) {
  const std::string id{device_id};
  const auto before = handle_->look(call);
  if (const auto* device = find_device(before.record.config, id)) {
    require_hotplug(*device);
  } else if (!can_hotplug(capabilities_)) {
    require(Feature::hotplug_disk);
  }
  change_in({running, paused}, "unplug a device from", call, [&](Machine& machine, const Now& now) {
    const auto* device = find_device(machine.record.config, id);
    if (device == nullptr) throw Error(Errc::not_found, "VM " + id_ + " has no device '" + id + "'");
    require_hotplug(*device);
    machine.request_unplug(id, now);
  });
  const auto machine =
      handle_->try_wait(call, [&](const Machine& now) { return now.ended() || !now.unplug_pending(id); });
  if (!machine) return UnplugOutcome::pending;
  if (machine->ended()) throw Error(Errc::disconnected, "VM " + id_ + " ended before it let go of '" + id + "'");
  return machine->has_device(id) ? UnplugOutcome::refused : UnplugOutcome::gone;
}

MemoryResize MockVm::resize_memory(std::uint64_t target_mib, std::uint64_t block_mib, const CallContext& call) {
  require(Feature::resize_memory);
  MemoryResize result;
  change_in({running, paused}, "resize the memory of", call, [&](Machine& machine, const Now&) {
    if (target_mib < machine.memory_total_mib()) require(Feature::shrink_memory);
    result = machine.resize_memory(target_mib, block_mib);
  });
  return result;
}

VcpuResize MockVm::resize_vcpus(std::uint32_t target, const CallContext& call) {
  require(Feature::resize_vcpus);
  VcpuResize result;
  change_in({running, paused}, "change the vCPUs of", call, [&](Machine& machine, const Now&) {
    if (target < machine.vcpu_count()) require(Feature::shrink_vcpus);
    result = machine.resize_vcpus(target);
  });
  return result;
}

}  // namespace visor::mock

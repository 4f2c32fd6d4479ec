// SPDX-License-Identifier: Apache-2.0
// One device for a running VM, made as those of a command line are.
#include "device_builder.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/qemu/arch_rules.hpp"

#include <string>
#include <utility>

namespace visor::sdk::plan {
namespace {

qmp::Command removal(std::string command, std::string key, std::string name) {
  return {std::move(command), Value::map({{std::move(key), std::move(name)}})};
}

/// A guest sees a virtio disk that is plugged into this machine by itself.
bool shows_virtio_disks(const Input& input) {
  const auto machine = machine_of(input.arch, input.arch_input());
  return machine.transport != VirtioTransport::mmio && !machine.pci_hotplug_by_tool;
}

}  // namespace

DeviceConfig as_plugged(const Input& input, const Addresses& addresses, DeviceConfig device) {
  auto* const disk = std::get_if<DiskConfig>(&device);
  if (disk == nullptr || disk->bus != DiskBus::automatic || shows_virtio_disks(input)) return device;
  const auto bus = detail::scsi_controller_of(detail::thread_of(input, *disk)) + ".0";
  if (addresses.has_range(AddressSpace::scsi, bus)) disk->bus = DiskBus::scsi;
  return device;
}

void plan_plug(const Input& input, std::size_t index, Plan& plan, hotplug::Plugging& parts, int vhost) {
  const auto& device = input.config.devices.at(index);
  const auto& id = device_id(device);
  int no_fd = 0;
  detail::Plug plug{.parts = parts, .vhost = vhost, .wish = place_wish(input.config, device)};
  detail::DeviceBuilder builder{input, plan, no_fd, &plug};
  builder.build(index, device);
  detail::check_devices(input, plan);
  plan.problems.throw_if_any();
  if (!plan.addresses.has(id)) plan.addresses.claim(id);
}

std::vector<qmp::Command> behind(const DeviceConfig& device) {
  const auto& id = device_id(device);
  if (std::holds_alternative<DiskConfig>(device)) {
    return {removal("blockdev-del", "node-name", BlockNode::name_of(id))};
  }
  if (std::holds_alternative<NicConfig>(device)) return {removal("netdev_del", "id", detail::netdev_of(id))};
  if (std::holds_alternative<SerialPortConfig>(device)) {
    return {removal("chardev-remove", "id", detail::chardev_of(id))};
  }
  const auto* const served = std::get_if<VhostUserConfig>(&device);
  if (served == nullptr) return {};
  std::vector<qmp::Command> commands;
  if (served->type == VhostUserType::net) commands.push_back(removal("netdev_del", "id", detail::netdev_of(id)));
  commands.push_back(removal("chardev-remove", "id", detail::chardev_of(id)));
  return commands;
}

}  // namespace visor::sdk::plan

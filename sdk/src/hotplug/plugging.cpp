// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/hotplug/plugging.hpp"

#include "visor/core/error.hpp"
#include "visor/sdk/qmp/commands/net.hpp"

#include <utility>

namespace visor::sdk::hotplug {
namespace {

using qmp::Command;
using qmp::Step;

Command command_on(std::string command, std::string key, const std::string& name) {
  return {std::move(command), Value::map({{std::move(key), name}})};
}

Step object_step(const PropertyBag& bag, const std::string& id) {
  return {{"object-add", bag.to_value()}, command_on("object-del", "id", id)};
}

Step node_step(const PropertyBag& bag, const std::string& name) {
  return {{"blockdev-add", bag.to_value()}, command_on("blockdev-del", "node-name", name)};
}

template <class Netdev>
Step netdev_step(const Netdev& netdev) {
  netdev.validate();
  auto arguments = netdev.properties().to_value();
  qmp::check_netdev(arguments);
  return {{"netdev_add", std::move(arguments)}, command_on("netdev_del", "id", netdev.id)};
}

}  // namespace

void Plugging::add_device(const PropertyBag& bag, const std::string& id) {
  steps_.push_back({{"device_add", bag.to_value()}, command_on("device_del", "id", id)});
}

template <class Device>
void Plugging::add_checked(const Device& device) {
  device.validate();
  add_device(device.properties(), device.id);
}

void Plugging::add(const IoThreadObject& thread) {
  thread.validate();
  steps_.push_back(object_step(thread.properties(), thread.id));
}

void Plugging::add(const VirtioBlk& disk) {
  disk.validate();
  steps_.push_back(node_step(disk.node(), disk.node_name()));
  add_device(disk.properties(), disk.id);
}

void Plugging::add(const ScsiDisk& disk) {
  disk.validate();
  steps_.push_back(node_step(disk.node(), disk.node_name()));
  add_device(disk.properties(), disk.id);
}

void Plugging::add(const MemoryBackend& backend) {
  backend.validate();
  steps_.push_back(object_step(backend.properties(), backend.id));
}

void Plugging::add(const Nvdimm& nvdimm) {
  nvdimm.validate();
  steps_.push_back(object_step(nvdimm.backend(), nvdimm.backend_id));
  add_device(nvdimm.properties(), nvdimm.id);
}

void Plugging::add(const UserNetdev& netdev) { steps_.push_back(netdev_step(netdev)); }

void Plugging::add(const TapNetdev& netdev) { steps_.push_back(netdev_step(netdev)); }

void Plugging::add(const VdpaNetdev& netdev) { steps_.push_back(netdev_step(netdev)); }

void Plugging::add(const VhostUserNetdev& netdev) { steps_.push_back(netdev_step(netdev)); }

void Plugging::add(const ScsiController& controller) { add_checked(controller); }

void Plugging::add(const VirtioSerial& bus) { add_checked(bus); }

void Plugging::add(const PcDimm& module) { add_checked(module); }

void Plugging::add(const VirtioNet& card) { add_checked(card); }

void Plugging::add(const VhostUserDevice& device) { add_checked(device); }

void Plugging::add(const VirtioPort& port) { add_checked(port); }

void Plugging::add(const VfioPci& device) { add_checked(device); }

void Plugging::add(const VfioCcw& device) { add_checked(device); }

void Plugging::add(const VfioAp& device) { add_checked(device); }

void Plugging::add(const Chardev& chardev) {
  if (chardev.backend != ChardevBackend::socket || chardev.path.empty() || chardev.server) {
    throw Error(Errc::unsupported, "Character device '" + chardev.id + "': only a Unix socket's client is plugged");
  }
  add_socket(chardev.id, {.path = chardev.path});
}

void Plugging::add_socket(const std::string& id, const qmp::UnixSocketBackend& socket) {
  steps_.push_back(
      {{"chardev-add", qmp::chardev_arguments(id, socket, version_)}, command_on("chardev-remove", "id", id)});
}

/// What a later step has used up is closed; what is left of it is closed by the undo.
void Plugging::pass(const std::string& name, int fd) {
  if (fd < 0) throw Error(Errc::invalid_config, "There is no descriptor for '" + name + "' to pass");
  Step step{command_on("getfd", "fdname", name), command_on("closefd", "fdname", name)};
  step.command.fd = fd;
  steps_.push_back(std::move(step));
}

void Plugging::add(VhostVsock vsock, int vhost) {
  vsock.vhostfd = vsock.id + "-vhost";
  vsock.validate();
  pass(vsock.vhostfd, vhost);
  add_device(vsock.properties(), vsock.id);
}

void Plugging::run(qmp::Client& client, const CallContext& call) const { qmp::run_transaction(client, steps_, call); }

}  // namespace visor::sdk::hotplug

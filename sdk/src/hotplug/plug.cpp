// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/hotplug/plug.hpp"

#include "visor/core/error.hpp"
#include "visor/sdk/qmp/commands/fd.hpp"
#include "visor/sdk/qmp/commands/net.hpp"
#include "visor/sdk/qmp/transaction.hpp"

#include <utility>

namespace visor::sdk::hotplug {
namespace {

using qmp::Command;
using qmp::Step;

Command command_on(std::string command, std::string key, const std::string& name) {
  return {std::move(command), Value::map({{std::move(key), name}})};
}
Command remove_node(const std::string& name) { return command_on("blockdev-del", "node-name", name); }
Command remove_object(const std::string& id) { return command_on("object-del", "id", id); }
Command remove_netdev(const std::string& id) { return command_on("netdev_del", "id", id); }
Command remove_chardev(const std::string& id) { return command_on("chardev-remove", "id", id); }

Step add_device(const PropertyBag& bag, const std::string& id) {
  return {{"device_add", bag.to_value()}, command_on("device_del", "id", id)};
}

Step add_node(const PropertyBag& bag, const std::string& name) {
  return {{"blockdev-add", bag.to_value()}, remove_node(name)};
}

Step add_object(const PropertyBag& bag, const std::string& id) {
  return {{"object-add", bag.to_value()}, remove_object(id)};
}

Step add_netdev(const PropertyBag& bag, const std::string& id) {
  auto arguments = bag.to_value();
  qmp::check_netdev(arguments);
  return {{"netdev_add", std::move(arguments)}, remove_netdev(id)};
}

Step add_socket(const qmp::Client& client, const std::string& id, const qmp::UnixSocketBackend& socket) {
  return {{"chardev-add", qmp::chardev_arguments(id, socket, client.version())}, remove_chardev(id)};
}

/// What a later step has used up is closed; what is left of it is closed by the undo.
Step pass_fd(const std::string& name, int fd) {
  if (fd < 0) throw Error(Errc::invalid_config, "There is no descriptor for '" + name + "' to pass");
  Step step{command_on("getfd", "fdname", name), command_on("closefd", "fdname", name)};
  step.command.fd = fd;
  return step;
}

/// Passes each, and returns their names.
std::vector<std::string> pass_fds(std::vector<Step>& steps, const std::string& prefix, const std::vector<int>& fds) {
  std::vector<std::string> names;
  for (const int fd : fds) {
    names.push_back(prefix + std::to_string(names.size()));
    steps.push_back(pass_fd(names.back(), fd));
  }
  return names;
}

/// One thing names another that is made with it.
void check_same(const std::string& id, const char* field, const std::string& named, const std::string& made) {
  if (named == made) return;
  throw Error(Errc::invalid_config,
              "Device '" + id + "': its " + field + " is '" + named + "', and '" + made + "' would be made for it");
}

template <class Disk>
void plug_disk(qmp::Client& client, const Disk& disk, const CallContext& call) {
  disk.validate();
  qmp::run_transaction(client, {add_node(disk.node(), disk.node_name()), add_device(disk.properties(), disk.id)}, call);
}

template <class Netdev>
void plug_card(qmp::Client& client, std::vector<Step> steps, const Netdev& netdev, const VirtioNet& card,
               const CallContext& call) {
  netdev.validate();
  card.validate();
  check_same(card.id, "netdev", card.netdev, netdev.id);
  steps.push_back(add_netdev(netdev.properties(), netdev.id));
  steps.push_back(add_device(card.properties(), card.id));
  qmp::run_transaction(client, steps, call);
}

template <class Device>
void plug_served(qmp::Client& client, const qmp::UnixSocketBackend& socket, const Device& device,
                 const CallContext& call) {
  device.validate();
  qmp::run_transaction(client, {add_socket(client, device.chardev, socket), add_device(device.properties(), device.id)},
                       call);
}

}  // namespace

void plug(qmp::Client& client, const VirtioBlk& disk, const CallContext& call) { plug_disk(client, disk, call); }

void plug(qmp::Client& client, const ScsiDisk& disk, const CallContext& call) { plug_disk(client, disk, call); }

void plug(qmp::Client& client, const MemoryBackend& backend, const PcDimm& module, const CallContext& call) {
  backend.validate();
  module.validate();
  check_same(module.id, "memdev", module.memdev, backend.id);
  qmp::run_transaction(
      client, {add_object(backend.properties(), backend.id), add_device(module.properties(), module.id)}, call);
}

void plug(qmp::Client& client, const Nvdimm& nvdimm, const CallContext& call) {
  nvdimm.validate();
  qmp::run_transaction(
      client, {add_object(nvdimm.backend(), nvdimm.backend_id), add_device(nvdimm.properties(), nvdimm.id)}, call);
}

void plug(qmp::Client& client, const UserNetdev& netdev, const VirtioNet& card, const CallContext& call) {
  plug_card(client, {}, netdev, card, call);
}

void plug(qmp::Client& client, const TapNetdev& netdev, const VirtioNet& card, const CallContext& call) {
  plug_card(client, {}, netdev, card, call);
}

void plug(qmp::Client& client, TapNetdev netdev, const TapDescriptors& descriptors, const VirtioNet& card,
          const CallContext& call) {
  if (!netdev.fds.empty() || !netdev.vhost_fds.empty()) {
    throw Error(Errc::invalid_config, "Network backend '" + netdev.id + "': it has names for its descriptors already");
  }
  std::vector<Step> steps;
  netdev.fds = pass_fds(steps, netdev.id + "-fd", descriptors.taps);
  netdev.vhost_fds = pass_fds(steps, netdev.id + "-vhost", descriptors.vhosts);
  plug_card(client, std::move(steps), netdev, card, call);
}

void plug(qmp::Client& client, const qmp::UnixSocketBackend& socket, const VhostUserDevice& device,
          const CallContext& call) {
  plug_served(client, socket, device, call);
}

void plug(qmp::Client& client, const qmp::UnixSocketBackend& socket, const VhostUserNetdev& netdev,
          const VirtioNet& card, const CallContext& call) {
  plug_card(client, {add_socket(client, netdev.chardev, socket)}, netdev, card, call);
}

void plug(qmp::Client& client, const qmp::UnixSocketBackend& socket, const VirtioPort& port, const CallContext& call) {
  plug_served(client, socket, port, call);
}

void plug(qmp::Client& client, VhostVsock vsock, int vhost, const CallContext& call) {
  if (!vsock.vhostfd.empty()) {
    throw Error(Errc::invalid_config, "Vsock device '" + vsock.id + "': it has a descriptor already");
  }
  vsock.vhostfd = vsock.id + "-vhost";
  vsock.validate();
  qmp::run_transaction(client, {pass_fd(vsock.vhostfd, vhost), add_device(vsock.properties(), vsock.id)}, call);
}

qmp::UnplugReport unplug(qmp::Client& client, const VirtioBlk& disk, const CallContext& call) {
  return qmp::unplug(client, disk.id, {remove_node(disk.node_name())}, call);
}

qmp::UnplugReport unplug(qmp::Client& client, const ScsiDisk& disk, const CallContext& call) {
  return qmp::unplug(client, disk.id, {remove_node(disk.node_name())}, call);
}

qmp::UnplugReport unplug(qmp::Client& client, const PcDimm& module, const CallContext& call) {
  return qmp::unplug(client, module.id, {remove_object(module.memdev)}, call);
}

qmp::UnplugReport unplug(qmp::Client& client, const VirtioNet& card, const CallContext& call) {
  return qmp::unplug(client, card.id, {remove_netdev(card.netdev)}, call);
}

qmp::UnplugReport unplug(qmp::Client& client, const VirtioNet& card, const std::string& netdev_chardev,
                         const CallContext& call) {
  return qmp::unplug(client, card.id, {remove_netdev(card.netdev), remove_chardev(netdev_chardev)}, call);
}

qmp::UnplugReport unplug(qmp::Client& client, const VhostUserDevice& device, const CallContext& call) {
  return qmp::unplug(client, device.id, {remove_chardev(device.chardev)}, call);
}

qmp::UnplugReport unplug(qmp::Client& client, const VirtioPort& port, const CallContext& call) {
  return qmp::unplug(client, port.id, {remove_chardev(port.chardev)}, call);
}

}  // namespace visor::sdk::hotplug

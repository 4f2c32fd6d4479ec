// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/hotplug/plug.hpp"

#include "visor/core/error.hpp"
#include "visor/sdk/hotplug/plugging.hpp"

#include <utility>

namespace visor::sdk::hotplug {
namespace {

using qmp::Command;

Command command_on(std::string command, std::string key, const std::string& name) {
  return {std::move(command), Value::map({{std::move(key), name}})};
}
Command remove_node(const std::string& name) { return command_on("blockdev-del", "node-name", name); }
Command remove_object(const std::string& id) { return command_on("object-del", "id", id); }
Command remove_netdev(const std::string& id) { return command_on("netdev_del", "id", id); }
Command remove_chardev(const std::string& id) { return command_on("chardev-remove", "id", id); }

/// Passes each, and returns their names.
std::vector<std::string> pass_fds(Plugging& all, const std::string& prefix, const std::vector<int>& fds) {
  std::vector<std::string> names;
  for (const int fd : fds) {
    names.push_back(prefix + std::to_string(names.size()));
    all.pass(names.back(), fd);
  }
  return names;
}

/// One thing names another that is made with it.
void check_same(const std::string& id, const char* field, const std::string& named, const std::string& made) {
  if (named == made) return;
  throw Error(Errc::invalid_config,
              "Device '" + id + "': its " + field + " is '" + named + "', and '" + made + "' would be made for it");
}

template <class... Things>
void plug_all(qmp::Client& client, const CallContext& call, const Things&... things) {
  Plugging all{client.version()};
  (all.add(things), ...);
  all.run(client, call);
}

template <class Netdev>
void plug_card(qmp::Client& client, Plugging all, const Netdev& netdev, const VirtioNet& card,
               const CallContext& call) {
  all.add(netdev);
  all.add(card);
  check_same(card.id, "netdev", card.netdev, netdev.id);
  all.run(client, call);
}

template <class Device>
void plug_served(qmp::Client& client, const qmp::UnixSocketBackend& socket, const Device& device,
                 const CallContext& call) {
  Plugging all{client.version()};
  all.add_socket(device.chardev, socket);
  all.add(device);
  all.run(client, call);
}

}  // namespace

void plug(qmp::Client& client, const VirtioBlk& disk, const CallContext& call) { plug_all(client, call, disk); }

void plug(qmp::Client& client, const ScsiDisk& disk, const CallContext& call) { plug_all(client, call, disk); }

void plug(qmp::Client& client, const MemoryBackend& backend, const PcDimm& module, const CallContext& call) {
  check_same(module.id, "memdev", module.memdev, backend.id);
  plug_all(client, call, backend, module);
}

void plug(qmp::Client& client, const Nvdimm& nvdimm, const CallContext& call) { plug_all(client, call, nvdimm); }

void plug(qmp::Client& client, const UserNetdev& netdev, const VirtioNet& card, const CallContext& call) {
  plug_card(client, Plugging{client.version()}, netdev, card, call);
}

void plug(qmp::Client& client, const TapNetdev& netdev, const VirtioNet& card, const CallContext& call) {
  plug_card(client, Plugging{client.version()}, netdev, card, call);
}

void plug(qmp::Client& client, TapNetdev netdev, const TapDescriptors& descriptors, const VirtioNet& card,
          const CallContext& call) {
  if (!netdev.fds.empty() || !netdev.vhost_fds.empty()) {
    throw Error(Errc::invalid_config, "Network backend '" + netdev.id + "': it has names for its descriptors already");
  }
  Plugging all{client.version()};
  netdev.fds = pass_fds(all, netdev.id + "-fd", descriptors.taps);
  netdev.vhost_fds = pass_fds(all, netdev.id + "-vhost", descriptors.vhosts);
  plug_card(client, std::move(all), netdev, card, call);
}

void plug(qmp::Client& client, const qmp::UnixSocketBackend& socket, const VhostUserDevice& device,
          const CallContext& call) {
  plug_served(client, socket, device, call);
}

void plug(qmp::Client& client, const qmp::UnixSocketBackend& socket, const VhostUserNetdev& netdev,
          const VirtioNet& card, const CallContext& call) {
  Plugging all{client.version()};
  all.add_socket(netdev.chardev, socket);
  plug_card(client, std::move(all), netdev, card, call);
}

void plug(qmp::Client& client, const qmp::UnixSocketBackend& socket, const VirtioPort& port, const CallContext& call) {
  plug_served(client, socket, port, call);
}

void plug(qmp::Client& client, VhostVsock vsock, int vhost, const CallContext& call) {
  if (!vsock.vhostfd.empty()) {
    throw Error(Errc::invalid_config, "Vsock device '" + vsock.id + "': it has a descriptor already");
  }
  Plugging all{client.version()};
  all.add(std::move(vsock), vhost);
  all.run(client, call);
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

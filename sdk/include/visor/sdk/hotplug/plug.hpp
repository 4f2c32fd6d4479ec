// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/sdk/device/devices.hpp"
#include "visor/sdk/device/memory.hpp"
#include "visor/sdk/device/net.hpp"
#include "visor/sdk/device/vhost.hpp"
#include "visor/sdk/export.h"
#include "visor/sdk/qmp/client.hpp"
#include "visor/sdk/qmp/commands/chardev.hpp"
#include "visor/sdk/qmp/unplug.hpp"

#include <string>
#include <vector>

/// Devices that consist of several things in QEMU, plugged and unplugged as one. All [any thread] [blocks until the
/// deadline; when plugging fails up to qmp::default_undo_limit more]. Each checks its structs first, and throws what
/// they throw; then all of it is there, or nothing is and the error says why (qmp::run_transaction).
///
/// A device without things behind it is plugged by qmp::device_add() alone: VfioPci, CpuDevice, ….
namespace visor::sdk::hotplug {

/// A disk and its block node.
VISOR_SDK_EXPORT void plug(qmp::Client& client, const VirtioBlk& disk, const CallContext& call);
VISOR_SDK_EXPORT void plug(qmp::Client& client, const ScsiDisk& disk, const CallContext& call);
/// Memory and its backend. The module's memdev must be the backend's id.
VISOR_SDK_EXPORT void plug(qmp::Client& client, const MemoryBackend& backend, const PcDimm& module,
                           const CallContext& call);
/// A file as memory. QEMU 7.2 cannot unplug it.
VISOR_SDK_EXPORT void plug(qmp::Client& client, const Nvdimm& nvdimm, const CallContext& call);

/// A network card and its backend. The card's netdev must be the backend's id.
VISOR_SDK_EXPORT void plug(qmp::Client& client, const UserNetdev& netdev, const VirtioNet& card,
                           const CallContext& call);
VISOR_SDK_EXPORT void plug(qmp::Client& client, const TapNetdev& netdev, const VirtioNet& card,
                           const CallContext& call);
/// Open descriptors of a tap, one a queue. They stay the caller's, and may be closed when plug() has returned.
struct TapDescriptors {
  std::vector<int> taps;
  std::vector<int> vhosts = {};  ///< of /dev/vhost-net: none, or one for each tap
};
/// The same on descriptors, which QEMU gets by names made from the netdev's id; its own fds and vhost_fds must be
/// empty.
VISOR_SDK_EXPORT void plug(qmp::Client& client, TapNetdev netdev, const TapDescriptors& descriptors,
                           const VirtioNet& card, const CallContext& call);

/// A socket and the device that is served over it. The device's chardev is made.
VISOR_SDK_EXPORT void plug(qmp::Client& client, const qmp::UnixSocketBackend& socket, const VhostUserDevice& device,
                           const CallContext& call);
VISOR_SDK_EXPORT void plug(qmp::Client& client, const qmp::UnixSocketBackend& socket, const VhostUserNetdev& netdev,
                           const VirtioNet& card, const CallContext& call);
/// A socket and the port of the guest that leads to it. The port's chardev is made.
VISOR_SDK_EXPORT void plug(qmp::Client& client, const qmp::UnixSocketBackend& socket, const VirtioPort& port,
                           const CallContext& call);
/// A vsock device on a descriptor of /dev/vhost-vsock, which stays the caller's; its own vhostfd must be empty.
VISOR_SDK_EXPORT void plug(qmp::Client& client, VhostVsock vsock, int vhost, const CallContext& call);

/// Unplugs the device and removes what plug() made for it; see qmp::unplug().
VISOR_SDK_EXPORT qmp::UnplugReport unplug(qmp::Client& client, const VirtioBlk& disk, const CallContext& call);
VISOR_SDK_EXPORT qmp::UnplugReport unplug(qmp::Client& client, const ScsiDisk& disk, const CallContext& call);
VISOR_SDK_EXPORT qmp::UnplugReport unplug(qmp::Client& client, const PcDimm& module, const CallContext& call);
VISOR_SDK_EXPORT qmp::UnplugReport unplug(qmp::Client& client, const VirtioNet& card, const CallContext& call);
/// With `netdev_chardev` as well: the character device of the card's vhost-user backend.
VISOR_SDK_EXPORT qmp::UnplugReport unplug(qmp::Client& client, const VirtioNet& card, const std::string& netdev_chardev,
                                          const CallContext& call);
VISOR_SDK_EXPORT qmp::UnplugReport unplug(qmp::Client& client, const VhostUserDevice& device, const CallContext& call);
VISOR_SDK_EXPORT qmp::UnplugReport unplug(qmp::Client& client, const VirtioPort& port, const CallContext& call);

}  // namespace visor::sdk::hotplug

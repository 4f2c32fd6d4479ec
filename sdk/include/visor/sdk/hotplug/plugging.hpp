// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/sdk/device/chardev.hpp"
#include "visor/sdk/device/devices.hpp"
#include "visor/sdk/device/disk.hpp"
#include "visor/sdk/device/memory.hpp"
#include "visor/sdk/device/net.hpp"
#include "visor/sdk/device/process.hpp"
#include "visor/sdk/device/vfio.hpp"
#include "visor/sdk/device/vhost.hpp"
#include "visor/sdk/export.h"
#include "visor/sdk/qmp/client.hpp"
#include "visor/sdk/qmp/commands/chardev.hpp"
#include "visor/sdk/qmp/transaction.hpp"

#include <string>
#include <utility>
#include <vector>

namespace visor::sdk::hotplug {

/// Things that are plugged as one, in the order in which they were added: what stands behind a device first. plug()
/// (plug.hpp) does it for single devices. A value for one thread; only run() blocks.
///
/// Each add() checks its struct and throws what that throws. An id that goes into names (netdev, chardev) is not
/// compared with those of the others.
class VISOR_SDK_EXPORT Plugging {
 public:
  /// For this release of QEMU, since they spell a socket differently.
  explicit Plugging(qmp::Version version) : version_{std::move(version)} {}

  void add(const IoThreadObject& thread);
  void add(const ScsiController& controller);
  void add(const VirtioSerial& bus);
  /// A disk is its block node and its device.
  void add(const VirtioBlk& disk);
  void add(const ScsiDisk& disk);
  /// So are memory and its backend.
  void add(const MemoryBackend& backend);
  void add(const PcDimm& module);
  void add(const Nvdimm& nvdimm);
  void add(const UserNetdev& netdev);
  void add(const TapNetdev& netdev);
  void add(const VdpaNetdev& netdev);
  void add(const VhostUserNetdev& netdev);
  void add(const VirtioNet& card);
  void add(const VhostUserDevice& device);
  void add(const VirtioPort& port);
  void add(const VfioPci& device);
  void add(const VfioCcw& device);
  void add(const VfioAp& device);
  /// A Unix socket by its path is all that this takes of a Chardev. Throws unsupported for another.
  void add(const Chardev& chardev);
  void add_socket(const std::string& id, const qmp::UnixSocketBackend& socket);
  /// A vsock device on a descriptor of /dev/vhost-vsock, which gets a name made from its id.
  void add(VhostVsock vsock, int vhost);
  /// A descriptor under a name, for what is added later. It stays the caller's until run() has returned.
  void pass(const std::string& name, int fd);

  /// Plugs all of it, or nothing: qmp::run_transaction().
  void run(qmp::Client& client, const CallContext& call) const;

 private:
  template <class Device>
  void add_checked(const Device& device);
  void add_device(const PropertyBag& bag, const std::string& id);

  qmp::Version version_;
  std::vector<qmp::Step> steps_;
};

}  // namespace visor::sdk::hotplug

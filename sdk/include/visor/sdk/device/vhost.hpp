// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/qemu_arch.hpp"
#include "visor/sdk/device/command_line.hpp"
#include "visor/sdk/device/place.hpp"
#include "visor/sdk/device/property_bag.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <optional>
#include <string>

/// Virtio devices whose work is done by another process or by the kernel.
namespace visor::sdk {

enum class VhostUserKind : std::uint8_t { blk, scsi, fs };

/// A device served by another process over a socket. The guest's memory must be shared. A network card of this kind is
/// a VirtioNet on a VhostUserNetdev.
struct VISOR_SDK_EXPORT VhostUserDevice {
  VhostUserKind kind = VhostUserKind::blk;
  std::string id = {};
  std::string chardev = {};                          ///< connected to the server's socket
  std::string tag = {};                              ///< fs: by what the guest mounts it
  VirtioTransport transport = VirtioTransport::pci;  ///< QEMU 7.2 has blk and scsi on pci alone
  std::optional<std::uint16_t> queue_size = {};      ///< blk, fs: entries, a power of two
  Place place = {};
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

/// A socket between guest and host (AF_VSOCK).
struct VISOR_SDK_EXPORT VhostVsock {
  std::string id;
  std::uint64_t guest_cid = 0;  ///< the guest's address, from 3 to 2^32-2
  std::string vhostfd = {};     ///< a descriptor's number or name; empty lets QEMU open /dev/vhost-vsock
  VirtioTransport transport = VirtioTransport::pci;
  Place place = {};
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

}  // namespace visor::sdk

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

inline constexpr std::uint64_t min_guest_cid = 3;              ///< linux: vm_sockets.h, 0 to 2 have a meaning
inline constexpr std::uint64_t max_guest_cid = 4'294'967'294;  ///< 2^32-1 is VMADDR_CID_ANY

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
  std::uint16_t request_queues = 0;  ///< fs: 0: one
  std::uint64_t cache_bytes = 0;     ///< fs, refused: a window of the file system in the guest's memory (DAX)
  bool shared_versions = false;      ///< fs, refused
  static const DeviceTable& describe();
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
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

}  // namespace visor::sdk

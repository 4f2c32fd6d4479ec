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

/// Sharing a folder by 9p. By virtio-fs it is a VhostUserDevice.
namespace visor::sdk {

enum class FsDriver : std::uint8_t {
  local,   ///< QEMU itself reads and writes
  handle,  ///< refused: QEMU 4.0 dropped it
  proxy,   ///< refused: it has no path, and QEMU 9.2 dropped it
};

/// How owners and modes of the guest's files are kept.
enum class FsSecurity : std::uint8_t {
  none,          ///< as passthrough, but what QEMU may not do is left out silently
  passthrough,   ///< as they are; QEMU must be root
  mapped_xattr,  ///< in attributes of the files
  mapped_file,   ///< in files of a hidden folder
};

/// What happens when the folder reaches over several file systems, whose inode numbers may be the same.
enum class FsMultidevs : std::uint8_t { warn, remap, forbid };

/// A folder of the host for a Virtio9p.
struct VISOR_SDK_EXPORT FsBackend {
  std::string id;
  FsDriver driver = FsDriver::local;
  std::string path = {};
  FsSecurity security_model = FsSecurity::none;
  FsMultidevs multidevs = FsMultidevs::warn;
  bool read_only = false;
  bool write_through = false;                     ///< no write is done before it is on the disk's way
  std::optional<std::uint32_t> file_mode = {};    ///< mapped: of new files ("0600" is 384)
  std::optional<std::uint32_t> folder_mode = {};  ///< mapped: of new folders
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;  ///< for -fsdev; QMP cannot add one
};

/// The device through which a guest mounts an FsBackend.
struct VISOR_SDK_EXPORT Virtio9p {
  std::string id;
  std::string fsdev;      ///< the id of the backend
  std::string mount_tag;  ///< by what the guest mounts it, at most 31 bytes
  VirtioTransport transport = VirtioTransport::pci;
  Place place = {};
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

}  // namespace visor::sdk

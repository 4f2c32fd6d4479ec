// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/sdk/device/command_line.hpp"
#include "visor/sdk/device/place.hpp"
#include "visor/sdk/device/property_bag.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace visor::sdk {

/// What -drive calls the interface. QEMU's machines have none but `none`: a disk's node and its device are two things.
enum class BlockInterface : std::uint8_t { none, scsi };

/// The block node of a disk: a file or block device in a format. It is named after the disk.
struct VISOR_SDK_EXPORT BlockNode {
  std::string path = {};
  std::string format = "raw";  ///< "raw" or "qcow2"
  bool host_device = false;    ///< the path is a block device, not a file
  bool read_only = false;
  bool cache_direct = false;
  bool cache_no_flush = false;
  bool discard = false;
  std::string aio = "threads";  ///< "threads", "native", "io_uring"; native needs cache_direct
  BlockInterface interface = BlockInterface::none;

  static const DeviceTable& describe();
  /// `disk` is the id of the disk, named in errors.
  void validate(const std::string& disk) const;
  [[nodiscard]] PropertyBag properties(const std::string& disk) const;  ///< for -blockdev, blockdev-add
  /// The name of a disk's node. A disk's id may be 26 characters long, since this has at most 31.
  static std::string name_of(const std::string& disk);
};

/// A virtio SCSI controller; its disks sit on the bus "<id>.0".
struct VISOR_SDK_EXPORT ScsiController {
  std::string id;
  VirtioTransport transport = VirtioTransport::pci;
  std::string iothread = {};
  std::uint32_t num_queues = 0;   ///< 0: as many as the guest has vCPUs
  std::uint32_t queue_size = 0;   ///< 0: QEMU's own
  std::uint32_t max_sectors = 0;  ///< in one command; 0: QEMU's own
  Place place = {};
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

enum class ScsiDriver : std::uint8_t {
  hd,     ///< a disk
  cd,     ///< a CD drive
  block,  ///< a SCSI disk of the host, whose commands pass through; needs a block device
};

/// A disk on a SCSI controller, with its block node.
struct VISOR_SDK_EXPORT ScsiDisk {
  std::string id;
  BlockNode backing = {};
  ScsiDriver driver = ScsiDriver::hd;
  std::string bus = {};  ///< "<id of the controller>.0"
  std::optional<std::uint32_t> scsi_id = {};
  std::optional<std::uint32_t> lun = {};
  bool share_rw = false;
  std::string serial = {};  ///< hd, cd
  std::optional<std::uint32_t> boot_index = {};
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag node() const;        ///< for -blockdev, blockdev-add
  [[nodiscard]] PropertyBag properties() const;  ///< for -device, device_add
  [[nodiscard]] std::string node_name() const;
};

}  // namespace visor::sdk

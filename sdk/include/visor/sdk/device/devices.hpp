// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/qemu_arch.hpp"
#include "visor/sdk/device/command_line.hpp"
#include "visor/sdk/device/disk.hpp"
#include "visor/sdk/device/place.hpp"
#include "visor/sdk/device/property_bag.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <optional>
#include <string>

/// How QEMU is told about devices: plain structs, each with describe() (the table of its fields, describe.hpp),
/// validate() and render() (appends its arguments to a command line). They know no machine types and no QMP; the
/// transport is given. validate() throws invalid_config, and unsupported for what QEMU has no longer or the SDK does
/// not offer, naming the device and the field; nothing is dropped or shortened.
namespace visor::sdk {

/// The driver name of a virtio device on a transport: virtio-blk -> virtio-blk-pci, -ccw, -device.
VISOR_SDK_EXPORT std::string virtio_driver(std::string_view base, VirtioTransport transport);

/// A character device backed by a listening Unix socket that QEMU gets as a descriptor.
struct VISOR_SDK_EXPORT SocketChardev {
  std::string id;
  int fd = -1;  ///< number in QEMU's process
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

enum class MonitorMode : std::uint8_t { control, readline };

/// A monitor on a character device: QMP, or the one for people.
struct VISOR_SDK_EXPORT Monitor {
  std::string id;
  std::string chardev;
  MonitorMode mode = MonitorMode::control;
  bool pretty = false;  ///< QMP with line breaks and indentation
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

/// The bus that virtio ports and consoles sit on.
struct VISOR_SDK_EXPORT VirtioSerial {
  std::string id;
  VirtioTransport transport = VirtioTransport::pci;
  std::optional<std::uint32_t> max_ports = {};  ///< on the bus; none: 31
  Place place = {};
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

/// A named channel (virtserialport), or a console (virtconsole) when it has no name.
struct VISOR_SDK_EXPORT VirtioPort {
  std::string id;
  std::string chardev;
  std::string bus;                           ///< "<id of the VirtioSerial>.0"
  std::string name;                          ///< what the guest reads in /sys/class/virtio-ports/*/name
  std::optional<std::uint32_t> number = {};  ///< on its bus; none lets QEMU choose
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

/// The machine's own serial console.
struct VISOR_SDK_EXPORT SerialConsole {
  SerialKind kind = SerialKind::uart;
  std::string chardev;
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

/// A virtio disk with its block node.
struct VISOR_SDK_EXPORT VirtioBlk {
  std::string id;
  BlockNode backing = {};
  VirtioTransport transport = VirtioTransport::pci;
  bool share_rw = false;
  std::string serial = {};  ///< at most 20 bytes reach the guest
  std::string iothread = {};
  std::uint32_t logical_block_size_bytes = 0;
  std::uint32_t physical_block_size_bytes = 0;
  std::uint32_t num_queues = 0;                 ///< 0: as many as the guest has vCPUs
  std::uint16_t queue_size = 0;                 ///< 0: QEMU's own
  std::optional<bool> write_cache_config = {};  ///< whether the guest may turn the write cache on and off
  std::optional<std::uint32_t> boot_index = {};
  bool scsi = false;  ///< refused: a virtio disk passes no SCSI commands on
  Place place = {};
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag node() const;        ///< for -blockdev, blockdev-add
  [[nodiscard]] PropertyBag properties() const;  ///< for -device, device_add
  [[nodiscard]] std::string node_name() const;
};

/// A file as non-volatile memory. A read-only one is unarmed and never written.
struct VISOR_SDK_EXPORT Nvdimm {
  std::string id;
  std::string backend_id;
  std::string path;
  std::uint64_t size_bytes = 0;
  bool read_only = true;
  bool share = true;              ///< what the guest writes reaches the file
  std::optional<bool> pmem = {};  ///< the file lies in persistent memory, and is written as that wants it
  std::uint64_t label_bytes = 0;  ///< at the end of the file, for the guest's labels; 0: none
  std::optional<std::uint32_t> slot = {};
  std::optional<std::uint32_t> node = {};     ///< the NUMA node
  std::optional<std::uint64_t> address = {};  ///< in the guest's physical memory
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag backend() const;
  [[nodiscard]] PropertyBag properties() const;
};

/// The device through which a guest reports a panic.
struct VISOR_SDK_EXPORT PanicDevice {
  std::string id;
  std::string driver;  ///< "pvpanic" or "pvpanic-pci"
  Place place = {};    ///< pvpanic-pci
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

/// An entropy source for the guest.
struct VISOR_SDK_EXPORT VirtioRng {
  std::string id;
  std::string source = "/dev/urandom";
  VirtioTransport transport = VirtioTransport::pci;
  std::uint64_t max_bytes = 0;  ///< per period; 0: no limit
  std::uint32_t period_ms = 0;
  Place place = {};
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

}  // namespace visor::sdk

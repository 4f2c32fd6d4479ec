// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/export.h"
#include "visor/core/value.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// What devices a user can ask for, in no hypervisor's own words. Every field's type, unit, default, range and meaning
/// stands once, in its describe() table (describe.hpp), which also drives the configuration files and the schema.
///
/// `id` names the device for the whole life of the VM: hotplug_remove() and events use it. Empty means that the plugin
/// chooses one; two devices never share one.
namespace visor {

enum class DiskBus : std::uint8_t { automatic, virtio_blk, scsi, nvdimm };
enum class DiskFormat : std::uint8_t { raw, qcow2 };
enum class DiskAio : std::uint8_t { threads, native, io_uring };

/// A disk backed by a file or a block device of the host.
struct DiskConfig {
  std::string id;
  std::string path;
  DiskFormat format = DiskFormat::raw;
  DiskBus bus = DiskBus::automatic;  ///< of a disk that is plugged, too: where its guest sees it (docs/QEMU.md)
  bool read_only = false;
  std::string serial;
  bool cache_direct = false;
  bool cache_no_flush = false;
  DiskAio aio = DiskAio::threads;
  bool discard = false;
  bool share_rw = false;
  std::string iothread;
  std::uint32_t logical_block_size_bytes = 0;
  std::uint32_t physical_block_size_bytes = 0;
  bool operator==(const DiskConfig&) const = default;
};

enum class ShareType : std::uint8_t { automatic, plan9, virtio_fs };
enum class ShareSecurity : std::uint8_t { none, passthrough, mapped_xattr, mapped_file };

/// A host folder that the guest can mount by its tag.
struct ShareConfig {
  std::string id;
  std::string path;
  std::string tag;
  ShareType type = ShareType::automatic;
  ShareSecurity security = ShareSecurity::none;
  bool read_only = false;
  bool operator==(const ShareConfig&) const = default;
};

enum class NicBackend : std::uint8_t { user, tap, macvtap, ipvtap, vdpa };

/// A network card.
struct NicConfig {
  std::string id;
  NicBackend backend = NicBackend::user;
  std::string interface;
  std::string mac;
  std::uint32_t queues = 1;
  bool vhost = true;
  bool operator==(const NicConfig&) const = default;
};

/// A named byte channel between guest and host (virtio-serial port); the host side is a Unix socket.
struct SerialPortConfig {
  std::string id;
  std::string name;
  std::string socket;
  bool operator==(const SerialPortConfig&) const = default;
};

struct VsockConfig {
  std::string id;
  std::uint32_t cid = 0;
  bool operator==(const VsockConfig&) const = default;
};

/// A host device given to the guest: a PCI address, or the sysfs folder of a mediated, ccw or ap device.
struct VfioConfig {
  std::string id;
  std::string host;
  std::string sysfs_path;
  bool operator==(const VfioConfig&) const = default;
};

enum class VhostUserType : std::uint8_t { net, blk, scsi, fs };

/// A device served by another process over a Unix socket.
struct VhostUserConfig {
  std::string id;
  VhostUserType type = VhostUserType::blk;
  std::string socket;
  std::string mac;
  std::string tag;
  bool operator==(const VhostUserConfig&) const = default;
};

struct RngConfig {
  std::string id;
  std::string source;  ///< empty: HostPolicy::entropy_source
  std::uint64_t max_bytes = 0;
  std::uint32_t period_ms = 0;
  bool operator==(const RngConfig&) const = default;
};

struct BalloonConfig {
  std::string id;
  bool deflate_on_oom = false;
  bool free_page_reporting = false;
  bool operator==(const BalloonConfig&) const = default;
};

/// A device through which the guest reports a kernel panic.
struct PanicConfig {
  std::string id;
  bool operator==(const PanicConfig&) const = default;
};

enum class WatchdogAction : std::uint8_t { reset, shutdown, poweroff, pause, none };

struct WatchdogConfig {
  std::string id;
  WatchdogAction action = WatchdogAction::reset;
  bool operator==(const WatchdogConfig&) const = default;
};

/// A named blob that the guest reads through the firmware configuration device. Exactly one of path and text is set.
struct FwCfgConfig {
  std::string id;
  std::string name;
  std::string path;
  std::string text;
  bool operator==(const FwCfgConfig&) const = default;
};

struct IommuConfig {
  std::string id;
  bool interrupt_remapping = true;
  bool device_iotlb = true;
  bool caching_mode = true;
  bool operator==(const IommuConfig&) const = default;
};

/// A thread of the hypervisor that serves disks; DiskConfig::iothread names it.
struct IoThreadConfig {
  std::string id;
  bool operator==(const IoThreadConfig&) const = default;
};

enum class CloudInitSource : std::uint8_t { no_cloud, config_drive };

/// A read-only disk from which cloud-init sets the guest up. It is made when the VM is started, and goes with the VM.
/// Of each pair, a text and a path of a file with it, at most one is set. Without meta-data it has the VM's id and, as
/// far as it can be one, the VM's name as the host name.
struct CloudInitConfig {
  std::string id;
  CloudInitSource source = CloudInitSource::no_cloud;
  std::string user_data;
  std::string user_data_path;
  std::string meta_data;
  std::string meta_data_path;
  std::string network_config;
  std::string network_config_path;
  bool operator==(const CloudInitConfig&) const = default;
};

/// The escape hatch: a device in the hypervisor's own words. It marks the VM as customised.
struct RawDeviceConfig {
  std::string id;
  std::string driver;
  Value properties;
  bool operator==(const RawDeviceConfig&) const = default;
};

/// The types of devices, in the order of device_sections().
using DeviceVariant = std::variant<DiskConfig, ShareConfig, NicConfig, SerialPortConfig, VsockConfig, VfioConfig,
                                   VhostUserConfig, RngConfig, BalloonConfig, PanicConfig, WatchdogConfig, FwCfgConfig,
                                   IommuConfig, IoThreadConfig, CloudInitConfig, RawDeviceConfig>;

/// One device of any type: a variant, for std::get_if, std::holds_alternative and std::visit. How it is copied,
/// compared and destroyed is compiled once, in core, and not by everyone who includes this. A default-made one is a
/// DiskConfig. (No constructor template: compilers do not agree on the symbol of a constrained one.)
struct VISOR_CORE_EXPORT DeviceConfig : DeviceVariant {
  DeviceConfig() noexcept;
  // Not explicit: a device of one type is a device.
  DeviceConfig(DiskConfig device) noexcept;
  DeviceConfig(ShareConfig device) noexcept;
  DeviceConfig(NicConfig device) noexcept;
  DeviceConfig(SerialPortConfig device) noexcept;
  DeviceConfig(VsockConfig device) noexcept;
  DeviceConfig(VfioConfig device) noexcept;
  DeviceConfig(VhostUserConfig device) noexcept;
  DeviceConfig(RngConfig device) noexcept;
  DeviceConfig(BalloonConfig device) noexcept;
  DeviceConfig(PanicConfig device) noexcept;
  DeviceConfig(WatchdogConfig device) noexcept;
  DeviceConfig(FwCfgConfig device) noexcept;
  DeviceConfig(IommuConfig device) noexcept;
  DeviceConfig(IoThreadConfig device) noexcept;
  DeviceConfig(CloudInitConfig device) noexcept;
  DeviceConfig(RawDeviceConfig device) noexcept;
  DeviceConfig(const DeviceConfig& other);
  DeviceConfig(DeviceConfig&& other) noexcept;
  DeviceConfig& operator=(const DeviceConfig& other);
  DeviceConfig& operator=(DeviceConfig&& other) noexcept;
  ~DeviceConfig();
  bool operator==(const DeviceConfig& other) const;
};

/// The word for a device's type as configuration files have it: "disk", "share", "nic", "serial_port", …
VISOR_CORE_EXPORT std::string_view device_type(const DeviceConfig& device) noexcept;
VISOR_CORE_EXPORT const std::string& device_id(const DeviceConfig& device) noexcept;
VISOR_CORE_EXPORT void set_device_id(DeviceConfig& device, std::string id);

}  // namespace visor

extern template class std::vector<visor::DeviceConfig>;

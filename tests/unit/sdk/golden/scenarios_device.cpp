// SPDX-License-Identifier: Apache-2.0
// Devices other than disks.
#include "scenario.hpp"

namespace visor::sdk::plan::golden {
namespace {

NicConfig nic(NicBackend backend, const std::string& interface, const std::string& mac = {}) {
  NicConfig card;
  card.backend = backend;
  card.interface = interface;
  card.mac = mac;
  return card;
}

void use_tap(VmConfig& config) {
  auto queues = nic(NicBackend::tap, "visor-golden1");
  queues.queues = 3;
  config.devices = {nic(NicBackend::tap, "visor-golden0", "02:00:00:00:00:02"), queues};
}

void use_shares(VmConfig& config) {
  ShareConfig plain;
  plain.path = "/usr/share";
  plain.tag = "plain";
  ShareConfig kept = plain;
  kept.tag = "kept";
  kept.security = ShareSecurity::mapped_xattr;
  kept.read_only = true;
  config.devices = {plain, kept};
}

void use_virtio_fs(VmConfig& config) {
  ShareConfig share;
  share.path = "/usr/share";
  share.tag = "fast";
  share.type = ShareType::virtio_fs;
  config.devices = {share};
}

VfioConfig vfio(const std::string& host, const std::string& sysfs_path) {
  VfioConfig device;
  device.host = host;
  device.sysfs_path = sysfs_path;
  return device;
}

VhostUserConfig served(VhostUserType type) {
  VhostUserConfig device;
  device.type = type;
  device.socket = type == VhostUserType::blk ? "/s/disk.sock" : "/s/served.sock";
  if (type == VhostUserType::fs) device.tag = "served";
  if (type == VhostUserType::net) device.mac = "02:00:00:00:00:03";
  return device;
}

VsockConfig vsock(std::uint32_t cid) {
  VsockConfig device;
  device.cid = cid;
  return device;
}

SerialPortConfig port(const std::string& name, const std::string& socket = {}) {
  SerialPortConfig port;
  port.name = name;
  port.socket = socket;
  return port;
}

void use_devices(VmConfig& config) {
  DiskConfig disk;
  disk.path = "/dev/sdz";
  disk.read_only = true;
  disk.serial = "a,b";
  config.devices = {disk, port("agent"), RngConfig{}};
}

void use_rng(VmConfig& config) {
  RngConfig rng;
  rng.source = "/dev/random";
  rng.max_bytes = 1024;
  rng.period_ms = 500;
  config.devices = {rng};
}

void use_balloon(VmConfig& config) {
  BalloonConfig balloon;
  balloon.deflate_on_oom = true;
  balloon.free_page_reporting = true;
  config.devices = {balloon};
}

void use_fw_cfg(VmConfig& config) {
  FwCfgConfig text;
  text.name = "opt/visor/text";
  text.text = "a,b=c";
  FwCfgConfig file;
  file.name = "opt/visor/file";
  file.path = "/k/initrd";
  config.devices = {text, file};
}

void use_watchdog(VmConfig& config) {
  WatchdogConfig watchdog;
  watchdog.action = WatchdogAction::pause;
  config.devices = {watchdog};
}

void use_iommu(VmConfig& config) {
  IommuConfig iommu;
  iommu.caching_mode = false;
  DiskConfig disk;
  disk.id = "d";
  disk.path = "/dev/sdz";
  disk.read_only = true;
  config.machine.iommu_platform = true;
  config.devices = {NicConfig{}, disk, iommu};
}

void use_raw(VmConfig& config, const std::string& driver, const std::string& property) {
  RawDeviceConfig raw;
  raw.driver = driver;
  raw.properties = Value::map({{property, 1024}, {"period", 1000}});
  config.devices = {raw};
}

constexpr const char* mdev = "/sys/bus/mdev/devices/11111111-2222-4333-8444-555555555555";
constexpr const char* ap_matrix = "/sys/devices/vfio_ap/matrix/11111111-2222-4333-8444-666666666666";

const Scenario all[] = {
    {"devices", [](auto& c, auto&) { use_devices(c); }},
    {"device-ports", [](auto& c, auto&) { c.devices = {port("a,b"), port("org.visor.own", "/s/own.sock")}; }},
    {"device-panic", [](auto& c, auto&) { c.devices = {PanicConfig{}}; }},
    {"device-rng", [](auto& c, auto&) { use_rng(c); }},
    {"device-rng-not-allowed",
     [](auto& c, auto&) {
       use_rng(c);
       c.host.allowed_entropy_sources = {"/dev/urandom"};
     }},
    {"device-balloon", [](auto& c, auto&) { use_balloon(c); }},
    {"device-watchdog", [](auto& c, auto&) { use_watchdog(c); }},
    {"device-watchdog-twice", [](auto& c, auto&) { c.devices = {WatchdogConfig{}, WatchdogConfig{}}; }},
    {"device-fw-cfg", [](auto& c, auto&) { use_fw_cfg(c); }},
    {"device-iommu", [](auto& c, auto&) { use_iommu(c); }},
    {"device-iommu-field", [](auto& c, auto&) { c.machine.iommu = true; }},
    {"device-raw", [](auto& c, auto& machine) { use_raw(c, machine.raw_driver, "max-bytes"); }},
    {"device-raw-malformed", [](auto& c, auto& machine) { use_raw(c, machine.raw_driver, "id"); }},
    // Places for devices that come later
    {"device-bridges",
     [](auto& c, auto&) {
       use_devices(c);
       c.machine.bridges = 2;
     }},
    {"device-no-ports", [](auto& c, auto&) { c.machine.root_ports = 0; }},
    {"device-most-ports",
     [](auto& c, auto&) {
       c.machine.root_ports = 16;
       c.machine.bridges = 5;
     }},
    // Network cards
    {"device-nics", [](auto& c, auto&) { c.devices = {NicConfig{}, nic(NicBackend::user, {}, "02:00:00:00:00:01")}; }},
    {"device-tap", [](auto& c, auto&) { use_tap(c); }},
    {"device-tap-vhost", [](auto& c, auto&) { use_tap(c); }, Accelerator::kvm},
    {"device-nic-vdpa", [](auto& c, auto&) { c.devices = {nic(NicBackend::vdpa, "/dev/vhost-vdpa-0")}; }},
    {"device-nic-macvtap", [](auto& c, auto&) { c.devices = {nic(NicBackend::macvtap, "macvtap0")}; }},
    // Folders, and what the host or another process serves
    {"device-shares", [](auto& c, auto&) { use_shares(c); }},
    {"device-share-virtio-fs", [](auto& c, auto&) { use_virtio_fs(c); }},
    {"device-cloud-init", [](auto& c, auto&) { c.devices = {CloudInitConfig{}}; }},
    {"device-vsock", [](auto& c, auto&) { c.devices = {vsock(42)}; }},
    {"device-vsock-field", [](auto& c, auto&) { c.network.use_vsock = true; }},
    {"device-vsock-without-cid", [](auto& c, auto&) { c.devices = {vsock(0)}; }},
    {"device-vfio", [](auto& c, auto&) { c.devices = {vfio({}, mdev), vfio({}, ap_matrix)}; }},
    {"device-vfio-host", [](auto& c, auto&) { c.devices = {vfio("0000:01:00.0", {})}; }},
    {"device-vhost-user-net", [](auto& c, auto&) { c.devices = {served(VhostUserType::net)}; }},
    {"device-vhost-user-disks",
     [](auto& c, auto&) { c.devices = {served(VhostUserType::blk), served(VhostUserType::scsi)}; }},
    {"device-vhost-user-fs", [](auto& c, auto&) { c.devices = {served(VhostUserType::fs)}; }},
    {"device-vhost-user-prealloc",
     [](auto& c, auto&) {
       c.devices = {served(VhostUserType::net)};
       c.memory.prealloc = true;
     }},
};

}  // namespace

std::span<const Scenario> device_scenarios() { return all; }

}  // namespace visor::sdk::plan::golden

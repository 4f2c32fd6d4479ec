// SPDX-License-Identifier: Apache-2.0
// The scenarios of devices, the same for every machine that has them.
#include "golden_cases.hpp"

#include <utility>

namespace visor::sdk::plan {
namespace {

DiskConfig disk(const std::string& id, DiskBus bus) {
  DiskConfig disk;
  disk.id = id;
  disk.path = "/dev/sdz";
  disk.bus = bus;
  disk.read_only = true;
  disk.share_rw = true;
  return disk;
}

void use_nics(VmConfig& config) {
  NicConfig plain;
  NicConfig second;
  second.mac = "02:00:00:00:00:01";
  config.devices = {plain, second};
}

void use_tap(VmConfig& config) {
  NicConfig tap;
  tap.backend = NicBackend::tap;
  tap.interface = "visor-golden0";
  tap.mac = "02:00:00:00:00:02";
  NicConfig queues = tap;
  queues.interface = "visor-golden1";
  queues.mac.clear();
  queues.queues = 3;
  config.devices = {tap, queues};
}

void use_scsi(VmConfig& config) {
  auto named = disk("first", DiskBus::scsi);
  named.serial = "s,1";
  config.devices = {named, disk("second", DiskBus::scsi)};
}

void use_iothreads(VmConfig& config) {
  IoThreadConfig thread;
  thread.id = "io";
  auto direct = disk("direct", DiskBus::virtio_blk);
  direct.iothread = "io";
  auto behind = disk("behind", DiskBus::scsi);
  behind.iothread = "io";
  config.devices = {thread, direct, behind, disk("other", DiskBus::scsi)};
}

void use_storage_defaults(VmConfig& config) {
  config.storage.driver = BlockDriver::virtio_scsi;
  config.storage.cache_set = true;
  config.storage.cache_no_flush = true;
  config.storage.iothreads = true;
  config.devices = {disk("a", DiskBus::automatic), disk("b", DiskBus::virtio_blk)};
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

void use_served_shares(VmConfig& config) {
  use_shares(config);
  config.shared_fs.type = SharedFs::virtio_fs;
  for (auto& device : config.devices) {
    auto& share = std::get<ShareConfig>(device);
    share.security = ShareSecurity::none;
    share.read_only = false;
  }
}

void use_cloud_init(VmConfig& config) {
  CloudInitConfig cloud;
  cloud.user_data = "#cloud-config\n";
  config.devices = {cloud};
}

void use_watchdog(VmConfig& config) {
  WatchdogConfig watchdog;
  watchdog.action = WatchdogAction::pause;
  config.devices = {watchdog};
}

void use_raw(VmConfig& config, const std::string& suffix) {
  RawDeviceConfig raw;
  raw.driver = "virtio-rng-" + suffix;
  raw.properties = Value::map({{"max-bytes", 1024}, {"period", 1000}});
  config.devices = {raw};
}

void use_vsock(VmConfig& config) {
  VsockConfig vsock;
  vsock.cid = 42;
  config.devices = {vsock};
}

VhostUserConfig served(VhostUserType type) {
  VhostUserConfig device;
  device.type = type;
  device.socket = type == VhostUserType::blk ? "/s/disk.sock" : "/s/served.sock";
  if (type == VhostUserType::fs) device.tag = "served";
  if (type == VhostUserType::net) device.mac = "02:00:00:00:00:03";
  return device;
}

void use_vfio(VmConfig& config, bool ccw) {
  VfioConfig first;
  VfioConfig second;
  if (ccw) {
    first.sysfs_path = "/sys/bus/mdev/devices/11111111-2222-4333-8444-555555555555";
    second.sysfs_path = "/sys/devices/vfio_ap/matrix/11111111-2222-4333-8444-666666666666";
  } else {
    first.host = "0000:01:00.0";
    second.sysfs_path = "/sys/bus/mdev/devices/11111111-2222-4333-8444-555555555555";
  }
  config.devices = {first, second};
}

void use_iommu(VmConfig& config) {
  IommuConfig iommu;
  iommu.caching_mode = false;
  config.machine.iommu_platform = true;
  config.devices = {NicConfig{}, disk("d", DiskBus::virtio_blk), iommu};
}

}  // namespace

std::vector<Case> device_cases(const std::string& arch, const std::string& machine) {
  const bool mmio = machine == "microvm";
  const bool ccw = arch == "s390x";
  const bool foreign_fs = arch == "ppc64le" || ccw;  // virtio-fs is refused there
  std::vector<Case> cases;
  const auto add = [&](const std::string& name, std::function<void(VmConfig&)> change) {
    cases.push_back({machine + "-device-" + name, machine, Accelerator::tcg, std::move(change), arch});
  };
  add("nics", use_nics);
  add("tap", use_tap);
  add("scsi", use_scsi);
  add("balloon", use_balloon);
  add("shares", use_shares);
  add("cloud-init", use_cloud_init);
  add("vsock", use_vsock);
  add("raw", [=](auto& c) { use_raw(c, mmio ? "device" : ccw ? "ccw" : "pci"); });
  add("vhost-user-net", [](auto& c) { c.devices = {served(VhostUserType::net)}; });
  add("memory", [](auto& c) {
    c.memory.prealloc = true;
    c.memory.backing_dir = "/dev/shm";
  });
  if (!mmio) {
    add("iothreads", use_iothreads);
    add("storage-defaults", use_storage_defaults);
    add("watchdog", use_watchdog);
    add("vfio", [=](auto& c) { use_vfio(c, ccw); });
  }
  if (!mmio && !ccw) {
    add("bridges", [](auto& c) {
      c.machine.bridges = 2;
      c.devices = {disk("d", DiskBus::virtio_blk)};
    });
    add("vhost-user-disks", [](auto& c) { c.devices = {served(VhostUserType::blk), served(VhostUserType::scsi)}; });
  }
  if (!foreign_fs) {
    add("fw-cfg", use_fw_cfg);
    add("shares-virtio-fs", use_served_shares);
    add("vhost-user-fs", [](auto& c) { c.devices = {served(VhostUserType::fs)}; });
  }
  if (machine == "q35" || machine == "virt") {
    add("most-ports", [](auto& c) {
      c.machine.root_ports = 16;
      c.machine.bridges = 5;
    });
    add("no-ports", [](auto& c) { c.machine.root_ports = 0; });
  }
  if (machine == "q35") {
    add("iommu", use_iommu);
    add("iommu-field", [](auto& c) { c.machine.iommu = true; });
  }
  return cases;
}

}  // namespace visor::sdk::plan

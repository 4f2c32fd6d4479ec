// SPDX-License-Identifier: Apache-2.0
#include "device_case.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/device/devices.hpp"
#include "visor/sdk/device/fs.hpp"
#include "visor/sdk/device/net.hpp"
#include "visor/sdk/device/vfio.hpp"
#include "visor/sdk/device/vhost.hpp"

namespace visor::sdk {
namespace {

DeviceCase block_node() {
  auto kit = kit_of<BlockNode>();
  kit.validate = [](const void* node) { static_cast<const BlockNode*>(node)->validate("d0"); };
  kit.render = [](const void* node) { return ' ' + static_cast<const BlockNode*>(node)->properties("d0").to_option(); };
  return {kit,
          {"path"},
          {{"format", "qcow2", "driver=qcow2"},
           {"path", "/a,b", "file.filename=/a,,b"},
           {"host_device", true, "file.driver=host_device"},
           {"read_only", true, "read-only=on"},
           {"cache_direct", true, "file.cache.direct=on,cache.direct=on"},
           {"cache_no_flush", true, "cache.no-flush=on"},
           {"discard", true, "discard=unmap"},
           {"aio", "native", "file.aio=native", {"cache_direct"}},
           {"interface", "none"}}};
}

void prepare_scsi(ScsiDisk& disk, std::size_t variant) {
  choose<&ScsiDisk::driver>(disk, variant);
  disk.backing.path = "/x";
  disk.backing.host_device = true;
}

std::vector<DeviceCase> scsi() {
  return {{kit_of<ScsiController>(),
           {"id"},
           with_place({{"id", "s0", "id=s0"},
                       {"iothread", "io0", "iothread=io0"},
                       {"num_queues", 2, "num_queues=2"},
                       {"queue_size", 256, "virtqueue_size=256"},
                       {"max_sectors", 512, "max_sectors=512"}})},
          {kit_of<ScsiDisk>(prepare_scsi),
           {"id", "bus"},
           {{"id", "d0", "id=d0"},
            {"bus", "s0.0", "bus=s0.0,drive=node-d0"},
            {"scsi_id", 0, "scsi-id=0"},
            {"lun", 3, "lun=3"},
            {"share_rw", true, "share-rw=on"},
            {"serial", "abc", "serial=abc"},
            {"boot_index", 1, "bootindex=1"}}}};
}

DeviceCase virtio_blk() {
  return {kit_of<VirtioBlk>([](VirtioBlk& disk, std::size_t) { disk.backing.path = "/x"; }),
          {"id"},
          with_place({{"id", "d0", "id=d0,drive=node-d0"},
                      {"serial", "a,b", "serial=a,,b"},
                      {"iothread", "io0", "iothread=io0"},
                      {"share_rw", true, "share-rw=on"},
                      {"logical_block_size_bytes", 4096, "logical_block_size=4096"},
                      {"physical_block_size_bytes", 4096, "physical_block_size=4096"},
                      {"num_queues", 4, "num-queues=4"},
                      {"queue_size", 256, "queue-size=256"},
                      {"write_cache_config", false, "config-wce=off"},
                      {"boot_index", 0, "bootindex=0"},
                      {"scsi", true}})};
}

std::vector<DeviceCase> shares() {
  return {{kit_of<FsBackend>(choose<&FsBackend::driver, FsBackend>),
           {"id", "path"},
           {{"id", "f0", "-fsdev local,id=f0"},
            {"path", "/a,b", "path=/a,,b"},
            {"security_model", "mapped-file", "security_model=mapped-file"},
            {"multidevs", "remap", "multidevs=remap"},
            {"read_only", true, "readonly=on"},
            {"write_through", true, "writeout=immediate"},
            {"file_mode", 384, "fmode=384", {"security_model"}},
            {"folder_mode", 448, "dmode=448", {"security_model"}}}},
          {kit_of<Virtio9p>(),
           {"id", "fsdev", "mount_tag"},
           with_place({{"id", "s0", "id=s0"}, {"fsdev", "f0", "fsdev=f0"}, {"mount_tag", "a,b", "mount_tag=a,,b"}})}};
}

std::vector<DeviceCase> backends() {
  return {{kit_of<TapNetdev>([](TapNetdev& tap, std::size_t variant) {
             if (variant == 0) tap.fds = {"3", "4", "5", "6"};
           }),
           {"id", "ifname"},
           {{"id", "n0", "id=n0"},
            {"ifname", "tap0", "ifname=tap0"},
            {"script", "/up", "script=/up"},
            {"downscript", "", "downscript="},
            {"queues", 4},
            {"fds", Value::list({"3", "tapfd"}), "fds=3:tapfd", {}, {"ifname"}},
            {"vhost_fds", Value::list({"4", "5"}), "vhost=on,vhostforce=on,vhostfds=4:5", {"fds"}, {"ifname"}},
            {"vhost", true, "vhost=on,vhostforce=on"},
            {"kind", "vethtap"}}},
          {kit_of<UserNetdev>(), {"id"}, {{"id", "u0", "id=u0"}, {"isolated", true, "restrict=on"}}},
          {kit_of<VhostUserNetdev>(),
           {"id", "chardev"},
           {{"id", "v0", "id=v0"}, {"chardev", "c0", "chardev=c0"}, {"queues", 2, "queues=2"}}},
          {kit_of<VdpaNetdev>(),
           {"id", "path"},
           {{"id", "v0", "id=v0"},
            {"path", "/dev/vhost-vdpa-0", "vhostdev=/dev/vhost-vdpa-0"},
            {"fd", "7", "vhostfd=7", {}, {"path"}},
            {"queues", 2, "queues=2"}}}};
}

std::vector<DeviceCase> host_devices() {
  return {
      {kit_of<VfioPci>(),
       {"id", "host"},
       with_place({{"id", "h0", "id=h0"},
                   {"host", "0000:01:00.0", "host=0000:01:00.0"},
                   {"sysfsdev", "/sys/m", "sysfsdev=/sys/m", {}, {"host"}},
                   {"vendor_id", 4660, "x-pci-vendor-id=4660"},
                   {"device_id", 0, "x-pci-device-id=0"}})},
      {kit_of<VfioCcw>(),
       {"id", "sysfsdev"},
       {{"id", "h0", "id=h0"}, {"sysfsdev", "/sys/m", "sysfsdev=/sys/m"}, {"devno", "fe.0.0001", "devno=fe.0.0001"}}},
      {kit_of<VfioAp>(), {"id", "sysfsdev"}, {{"id", "h0", "id=h0"}, {"sysfsdev", "/sys/m", "sysfsdev=/sys/m"}}},
      {kit_of<VhostUserDevice>(choose<&VhostUserDevice::kind, VhostUserDevice>),
       {"id", "chardev", "tag"},
       with_place({{"id", "v0", "id=v0"},
                   {"chardev", "c0", "chardev=c0"},
                   {"tag", "a,b", "tag=a,,b"},
                   {"queue_size", 256, "queue-size=256"},
                   {"request_queues", 2, "num-request-queues=2"},
                   {"cache_bytes", 1048576},
                   {"shared_versions", true}})},
      {kit_of<VhostVsock>(),
       {"id", "guest_cid"},
       with_place({{"id", "s0", "id=s0"}, {"guest_cid", 3, "guest-cid=3"}, {"vhostfd", "9", "vhostfd=9"}})}};
}

}  // namespace

std::vector<FieldCase> with_place(std::vector<FieldCase> cases) {
  const std::vector<FieldCase> place{{"bus", "b.0", "bus=b.0"},
                                     {"addr", "1f.7", "addr=1f.7"},
                                     {"devno", "fe.0.0004", "devno=fe.0.0004"},
                                     {"romfile", "", "romfile="},
                                     {"disable_modern", true, "disable-modern=on"},
                                     {"disable_legacy", "on", "disable-legacy=on"},
                                     {"iommu_platform", true, "iommu_platform=on"},
                                     {"ats", true, "ats=on"}};
  cases.insert(cases.end(), place.begin(), place.end());
  return cases;
}

std::vector<DeviceCase> storage_cases() {
  std::vector<DeviceCase> all{block_node(), virtio_blk()};
  for (auto* part : {scsi, shares}) {
    for (auto& one : part()) all.push_back(std::move(one));
  }
  return all;
}

std::vector<DeviceCase> network_cases() {
  std::vector<DeviceCase> all{{kit_of<VirtioNet>(),
                               {"id", "netdev"},
                               with_place({{"id", "e0", "id=e0"},
                                           {"netdev", "n0", "netdev=n0"},
                                           {"mac", "52:54:00:12:34:56", "mac=52:54:00:12:34:56"},
                                           {"queues", 2, "mq=on"},
                                           {"mtu", 1500, "host_mtu=1500"},
                                           {"boot_index", 2, "bootindex=2"}})}};
  for (auto* part : {backends, host_devices}) {
    for (auto& one : part()) all.push_back(std::move(one));
  }
  return all;
}

}  // namespace visor::sdk

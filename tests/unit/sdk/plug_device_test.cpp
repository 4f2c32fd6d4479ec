// SPDX-License-Identifier: Apache-2.0
// Devices that are mostly plugged while the guest runs: what they say to QEMU, and what they refuse to say.
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"
#include "visor/sdk/device/cpu.hpp"
#include "visor/sdk/device/devices.hpp"
#include "visor/sdk/device/memory.hpp"
#include "visor/sdk/device/net.hpp"
#include "visor/sdk/device/vfio.hpp"
#include "visor/sdk/device/vhost.hpp"

#include <gtest/gtest.h>

namespace visor::sdk {
namespace {

/// The arguments of device_add or netdev_add, as JSON.
std::string json(const auto& device) {
  device.validate();
  return to_json(device.properties().to_value());
}

/// What is wrong with it; empty when nothing is.
std::string problem(const auto& device) {
  try {
    device.validate();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::invalid_config);
    return error.message();
  }
  return {};
}

std::string problem_of(auto device, auto change) {
  change(device);
  return problem(device);
}

std::vector<std::string> rendered(const auto& device) {
  CommandLine line;
  device.render(line);
  return line.argv("q");
}
using Argv = std::vector<std::string>;

TEST(Place, SaysOnlyWhatIsSet) {
  auto bag = PropertyBag::device("x");
  Place{}.add_to(bag);
  EXPECT_EQ(bag.to_option(), "x");
  Place{.bus = "b0", .addr = "3", .romfile = "", .disable_modern = true, .iommu_platform = true}.add_to(bag);
  EXPECT_EQ(to_json(bag.to_value()),
            R"({"driver":"x","bus":"b0","addr":"3","romfile":"","disable-modern":true,"iommu_platform":true})");
}

TEST(Place, RefusesByNameWhatATransportDoesNotHave) {
  using enum VirtioTransport;
  const auto message = [](const Place& place, VirtioTransport transport) {
    try {
      place.check("Disk", "d", transport);
    } catch (const Error& error) {
      return error.message();
    }
    return std::string{};
  };
  EXPECT_EQ(message({.addr = "1"}, ccw), "Disk 'd': addr is only there on pci");
  EXPECT_EQ(message({.romfile = ""}, ccw), "Disk 'd': romfile is only there on pci");
  EXPECT_EQ(message({.disable_modern = true}, mmio), "Disk 'd': disable_modern is only there on pci");
  EXPECT_EQ(message({.devno = "fe.0.0001"}, pci), "Disk 'd': devno is only there on ccw");
  EXPECT_EQ(message({.bus = "b"}, ccw), "Disk 'd': bus is not there on ccw, use devno");
  EXPECT_EQ(message({.bus = "b", .addr = "1", .romfile = "r", .disable_modern = true}, pci), "");
  EXPECT_EQ(message({.devno = "fe.1.12aB", .iommu_platform = true}, ccw), "");
  EXPECT_EQ(message({.bus = "virtio-mmio-bus.3"}, mmio), "");
}

TEST(Place, ReadsAddressesAsQemuDoes) {
  const auto good = [](const Place& place, VirtioTransport transport) {
    try {
      place.check("Disk", "d", transport);
    } catch (const Error&) {
      return false;
    }
    return true;
  };
  for (const auto* addr : {"0", "4", "04", "0x4", "1f", "04.0", "1f.7"}) {
    EXPECT_TRUE(good({.addr = addr}, VirtioTransport::pci)) << addr;
  }
  for (const auto* addr : {"20", "4.8", "00:04.0", "x", "4.", ".1", "4.0.0", "-1", "0x", "4,multifunction=on"}) {
    EXPECT_FALSE(good({.addr = addr}, VirtioTransport::pci)) << addr;
  }
  for (const auto* devno : {"fe.0.0000", "0.3.ffff"})
    EXPECT_TRUE(good({.devno = devno}, VirtioTransport::ccw)) << devno;
  for (const auto* devno : {"fe.4.0001", "fe.0.1", "fe.0.00001", "fff.0.0001", "fe.0", "fe..0001", ".0.0001"}) {
    EXPECT_FALSE(good({.devno = devno}, VirtioTransport::ccw)) << devno;
  }
}

TEST(VirtioBlk, PlugsOnPciAndCcw) {
  VirtioBlk disk{.id = "d0", .backing = {.path = "/x"}, .share_rw = true, .num_queues = 4};
  disk.place = {.bus = "rp0", .addr = "0", .romfile = "", .disable_modern = true};
  EXPECT_EQ(json(disk), R"({"driver":"virtio-blk-pci","id":"d0","drive":"node-d0","share-rw":true,"num-queues":4,)"
                        R"("bus":"rp0","addr":"0","romfile":"","disable-modern":true})");
  disk.transport = VirtioTransport::ccw;
  EXPECT_EQ(problem(disk),
            "Disk 'd0': addr is only there on pci\nDisk 'd0': romfile is only there on pci\n"
            "Disk 'd0': disable_modern is only there on pci\nDisk 'd0': bus is not there on ccw, use devno");
  disk.place = {.devno = "fe.0.0004"};
  EXPECT_EQ(json(disk), R"({"driver":"virtio-blk-ccw","id":"d0","drive":"node-d0","share-rw":true,"num-queues":4,)"
                        R"("devno":"fe.0.0004"})");
  disk.num_queues = 1025;
  EXPECT_EQ(problem(disk), "Disk 'd0': num_queues must not be above 1024");
}

TEST(ScsiDisk, NamesItsBusAndPlaceOnIt) {
  const ScsiDisk disk{.id = "d0", .backing = {.path = "/x", .cache_direct = true}, .bus = "s0.0"};
  EXPECT_EQ(json(disk), R"({"driver":"scsi-hd","id":"d0","bus":"s0.0","drive":"node-d0"})");
  EXPECT_EQ(to_json(disk.node().to_value()),
            R"({"driver":"raw","node-name":"node-d0","read-only":false,"file":{"driver":"file","filename":"/x",)"
            R"("aio":"threads","cache":{"direct":true}},"cache":{"direct":true}})");
  auto full = disk;
  full.driver = ScsiDriver::cd;
  full.scsi_id = 0;
  full.lun = 3;
  full.share_rw = true;
  full.serial = "s";
  EXPECT_EQ(json(full), R"({"driver":"scsi-cd","id":"d0","bus":"s0.0","drive":"node-d0","scsi-id":0,"lun":3,)"
                        R"("share-rw":true,"serial":"s"})");
  EXPECT_EQ(rendered(disk).at(3), "-device");
  EXPECT_NE(problem_of(disk, [](auto& d) { d.bus = ""; }), "");
  EXPECT_NE(problem_of(disk, [](auto& d) { d.driver = ScsiDriver::block; }), "");
  EXPECT_NE(problem_of(disk, [](auto& d) { d.backing.aio = "uring"; }), "");
}

TEST(TapNetdev, ByNameRunsNoScriptUnlessTold) {
  TapNetdev tap{.id = "n0", .ifname = "tap0"};
  EXPECT_EQ(json(tap), R"({"type":"tap","id":"n0","ifname":"tap0","script":"no","downscript":"no"})");
  tap.script = "/up";
  tap.downscript = "";
  tap.queues = 4;
  tap.vhost = true;
  EXPECT_EQ(json(tap), R"({"type":"tap","id":"n0","ifname":"tap0","script":"/up","downscript":"","queues":4,)"
                       R"("vhost":true,"vhostforce":true})");
  EXPECT_EQ(rendered(TapNetdev{.id = "n0", .ifname = "tap0"}),
            (Argv{"q", "-netdev", "tap,id=n0,ifname=tap0,script=no,downscript=no"}));
}

TEST(TapNetdev, ByDescriptors) {
  TapNetdev tap{.id = "n0", .fds = {"a", "b"}};
  EXPECT_EQ(json(tap), R"({"type":"tap","id":"n0","fds":"a:b"})");
  tap.vhost_fds = {"c", "d"};
  EXPECT_EQ(json(tap), R"({"type":"tap","id":"n0","fds":"a:b","vhost":true,"vhostforce":true,"vhostfds":"c:d"})");
  EXPECT_EQ(problem_of(tap, [](auto& t) { t.vhost_fds = {"c"}; }),
            "Network backend 'n0': there must be as many vhost_fds (1) as fds (2)");
  EXPECT_NE(problem_of(tap, [](auto& t) { t.fds = {}; }), "");
  EXPECT_NE(problem_of(tap, [](auto& t) { t.ifname = "tap0"; }), "");
  EXPECT_NE(problem_of(tap, [](auto& t) { t.fds = {"a", ""}; }), "");
  EXPECT_NE(problem_of(tap, [](auto& t) { t.vhost_fds = {"c", "d:e"}; }), "");
  EXPECT_NE(problem_of(tap, [](auto& t) { t.queues = 3; }), "");
  const TapNetdev named{.id = "n0", .ifname = "tap0"};
  EXPECT_NE(problem_of(named, [](auto& t) { t.ifname = "sixteencharacter"; }), "");
  EXPECT_NE(problem_of(named, [](auto& t) { t.queues = 257; }), "");
  EXPECT_NE(problem_of(named, [](auto& t) { t.queues = 0; }), "");
  EXPECT_NE(problem_of(named, [](auto& t) { t.vhost_fds = {"c"}; }), "");
}

TEST(Netdev, UserAndVhostUser) {
  EXPECT_EQ(json(UserNetdev{.id = "u"}), R"({"type":"user","id":"u"})");
  EXPECT_EQ(json(UserNetdev{.id = "u", .isolated = true}), R"({"type":"user","id":"u","restrict":true})");
  EXPECT_EQ(json(VhostUserNetdev{.id = "v", .chardev = "c"}), R"({"type":"vhost-user","id":"v","chardev":"c"})");
  EXPECT_EQ(json(VhostUserNetdev{.id = "v", .chardev = "c", .queues = 2}),
            R"({"type":"vhost-user","id":"v","chardev":"c","queues":2})");
  EXPECT_NE(problem(VhostUserNetdev{.id = "v", .chardev = ""}), "");
  EXPECT_NE(problem(VhostUserNetdev{.id = "v", .chardev = "c", .queues = 0}), "");
}

TEST(VirtioNet, OnPciAndCcw) {
  VirtioNet card{.id = "e0", .netdev = "n0"};
  EXPECT_EQ(json(card), R"({"driver":"virtio-net-pci","id":"e0","netdev":"n0"})");
  card.mac = "52:54:00:12:34:5F";
  card.queues = 2;
  card.place = {.bus = "rp0", .addr = "0", .romfile = "", .disable_modern = true};
  EXPECT_EQ(json(card), R"({"driver":"virtio-net-pci","id":"e0","netdev":"n0","mac":"52:54:00:12:34:5F","mq":true,)"
                        R"("vectors":6,"bus":"rp0","addr":"0","romfile":"","disable-modern":true})");
  card.transport = VirtioTransport::ccw;
  EXPECT_NE(problem(card), "");
  card.place = {.devno = "fe.0.0009"};
  EXPECT_EQ(json(card), R"({"driver":"virtio-net-ccw","id":"e0","netdev":"n0","mac":"52:54:00:12:34:5F","mq":true,)"
                        R"("devno":"fe.0.0009"})");
  for (const auto* mac : {"52:54:00:12:34", "52-54-00-12-34-56", "52:54:00:12:34:5g", "52:54:00:12:34:56:"}) {
    EXPECT_NE(problem_of(card, [&](auto& c) { c.mac = mac; }), "") << mac;
  }
  EXPECT_NE(problem_of(card, [](auto& c) { c.queues = 257; }), "");
}

TEST(Vfio, NamesTheDeviceAsItsBusDoes) {
  VfioPci pci{.id = "h0", .host = "0000:01:00.0"};
  EXPECT_EQ(json(pci), R"({"driver":"vfio-pci","id":"h0","host":"0000:01:00.0"})");
  pci.vendor_id = 0x8086;
  pci.device_id = 1;
  pci.place = {.bus = "rp0", .addr = "0", .romfile = ""};
  EXPECT_EQ(json(pci), R"({"driver":"vfio-pci","id":"h0","host":"0000:01:00.0","x-pci-vendor-id":32902,)"
                       R"("x-pci-device-id":1,"bus":"rp0","addr":"0","romfile":""})");
  EXPECT_EQ(json(VfioPci{.id = "h0", .sysfsdev = "/sys/m"}), R"({"driver":"vfio-pci","id":"h0","sysfsdev":"/sys/m"})");
  EXPECT_EQ(json(VfioCcw{.id = "h0", .sysfsdev = "/sys/m", .devno = "fe.0.0001"}),
            R"({"driver":"vfio-ccw","id":"h0","sysfsdev":"/sys/m","devno":"fe.0.0001"})");
  EXPECT_EQ(json(VfioAp{.id = "h0", .sysfsdev = "/sys/m"}), R"({"driver":"vfio-ap","id":"h0","sysfsdev":"/sys/m"})");
}

TEST(Vfio, RefusesWhatNamesNothing) {
  const VfioPci pci{.id = "h0", .host = "01:00.0"};
  EXPECT_EQ(problem(pci), "");
  EXPECT_NE(problem_of(pci, [](auto& d) { d.sysfsdev = "/sys/m"; }), "");
  EXPECT_NE(problem_of(pci, [](auto& d) { d.host = ""; }), "");
  EXPECT_NE(problem_of(pci, [](auto& d) { d.host = "1:0.0"; }), "");
  EXPECT_EQ(problem_of(pci, [](auto& d) { d.place.disable_modern = true; }),
            "Host device 'h0': disable_modern is only there on virtio devices");
  EXPECT_NE(problem_of(pci, [](auto& d) { d.place.iommu_platform = true; }), "");
  EXPECT_NE(problem_of(pci, [](auto& d) { d.place.devno = "fe.0.0001"; }), "");
  EXPECT_NE(problem(VfioCcw{.id = "h0", .sysfsdev = "m"}), "");
  EXPECT_NE(problem(VfioCcw{.id = "h0", .sysfsdev = "/m", .devno = "1"}), "");
  EXPECT_NE(problem(VfioAp{.id = "h0", .sysfsdev = ""}), "");
}

TEST(VhostUser, DevicesOnTheirTransports) {
  using enum VhostUserKind;
  VhostUserDevice disk{.kind = blk, .id = "v0", .chardev = "c0", .queue_size = 256, .place = {.addr = "2"}};
  EXPECT_EQ(json(disk), R"({"driver":"vhost-user-blk-pci","id":"v0","chardev":"c0","queue-size":256,"addr":"2"})");
  EXPECT_EQ(json(VhostUserDevice{.kind = scsi, .id = "v0", .chardev = "c0"}),
            R"({"driver":"vhost-user-scsi-pci","id":"v0","chardev":"c0"})");
  const VhostUserDevice share{.kind = fs, .id = "v0", .chardev = "c0", .tag = "t", .transport = VirtioTransport::ccw};
  EXPECT_EQ(json(share), R"({"driver":"vhost-user-fs-ccw","id":"v0","chardev":"c0","tag":"t"})");
  EXPECT_EQ(rendered(share), (Argv{"q", "-device", "vhost-user-fs-ccw,id=v0,chardev=c0,tag=t"}));
  EXPECT_NE(problem_of(share, [](auto& d) { d.tag = ""; }), "");
  EXPECT_NE(problem_of(share, [](auto& d) { d.tag = std::string(37, 't'); }), "");
  EXPECT_NE(problem_of(disk, [](auto& d) { d.tag = "t"; }), "");
  EXPECT_NE(problem_of(disk, [](auto& d) { d.queue_size = 100; }), "");
  EXPECT_NE(problem_of(disk, [](auto& d) { d.kind = scsi; }), "");
  EXPECT_NE(problem_of(disk, [](auto& d) { d.chardev = ""; }), "");
  disk.place = {};
  disk.transport = VirtioTransport::ccw;
  EXPECT_EQ(problem(disk), "Vhost-user device 'v0': QEMU has vhost-user disks on pci alone");
}

TEST(VhostVsock, HasItsAddressAsANumber) {
  VhostVsock vsock{.id = "s0", .guest_cid = 4294967294};
  EXPECT_EQ(json(vsock), R"({"driver":"vhost-vsock-pci","id":"s0","guest-cid":4294967294})");
  vsock.vhostfd = "f";
  vsock.place = {.bus = "rp0", .addr = "0", .romfile = "", .disable_modern = true};
  EXPECT_EQ(json(vsock), R"({"driver":"vhost-vsock-pci","id":"s0","guest-cid":4294967294,"vhostfd":"f","bus":"rp0",)"
                         R"("addr":"0","romfile":"","disable-modern":true})");
  for (const std::uint64_t cid : {0ULL, 2ULL, 4294967295ULL, 4294967296ULL}) {
    EXPECT_NE(problem_of(vsock, [&](auto& v) { v.guest_cid = cid; }), "") << cid;
  }
}

TEST(Memory, BackendsAndModules) {
  EXPECT_EQ(json(MemoryBackend{.id = "m0", .size_bytes = 1U << 30U}),
            R"({"qom-type":"memory-backend-ram","id":"m0","size":1073741824,"share":false})");
  const MemoryBackend file{
      .id = "m0", .size_bytes = 4096, .kind = MemoryKind::file, .path = "/f", .share = true, .prealloc = true};
  EXPECT_EQ(json(file),
            R"({"qom-type":"memory-backend-file","id":"m0","mem-path":"/f","size":4096,"share":true,"prealloc":true})");
  EXPECT_EQ(json(MemoryBackend{.id = "m0", .size_bytes = 4096, .kind = MemoryKind::memfd, .share = true}),
            R"({"qom-type":"memory-backend-memfd","id":"m0","size":4096,"share":true})");
  EXPECT_NE(problem_of(file, [](auto& m) { m.path = ""; }), "");
  EXPECT_NE(problem_of(file, [](auto& m) { m.kind = MemoryKind::ram; }), "");
  EXPECT_NE(problem_of(file, [](auto& m) { m.size_bytes = 0; }), "");
  EXPECT_EQ(json(PcDimm{.id = "d0", .memdev = "m0"}), R"({"driver":"pc-dimm","id":"d0","memdev":"m0"})");
  EXPECT_EQ(json(PcDimm{.id = "d0", .memdev = "m0", .node = 0, .slot = 2, .address = 1ULL << 32U}),
            R"({"driver":"pc-dimm","id":"d0","memdev":"m0","node":0,"slot":2,"addr":4294967296})");
  EXPECT_NE(problem(PcDimm{.id = "d0", .memdev = ""}), "");
}

TEST(Nvdimm, SaysPmemOnlyWhenTold) {
  Nvdimm nvdimm{.id = "n0", .backend_id = "m0", .path = "/i", .size_bytes = 4096, .read_only = false};
  nvdimm.share = false;
  nvdimm.pmem = false;
  EXPECT_EQ(to_json(nvdimm.backend().to_value()),
            R"({"qom-type":"memory-backend-file","id":"m0","mem-path":"/i","size":4096,"share":false,)"
            R"("readonly":false,"pmem":false})");
  EXPECT_EQ(json(nvdimm), R"({"driver":"nvdimm","id":"n0","memdev":"m0","unarmed":false})");
}

TEST(Cpu, SaysExactlyTheListedProperties) {
  const auto entry = Value::map({{"props", Value::map({{"core-id", 0}, {"thread-id", 0}, {"socket-id", 3}})},
                                 {"vcpus-count", 1},
                                 {"type", "qemu64-x86_64-cpu"}});
  EXPECT_EQ(json(CpuDevice::from_entry(entry, "cpu3")),
            R"({"driver":"qemu64-x86_64-cpu","id":"cpu3","core-id":0,"thread-id":0,"socket-id":3})");
  auto present = entry;
  present.set("qom-path", "/machine/unattached/device[0]");
  EXPECT_THROW((void)CpuDevice::from_entry(present, "cpu3"), Error);
  auto odd = entry;
  odd.set("props", Value::map({{"core-id", "0"}}));
  EXPECT_THROW((void)CpuDevice::from_entry(odd, "cpu3"), Error);
  EXPECT_NE(problem(CpuDevice{.id = "c", .driver = "x"}), "");
  EXPECT_NE(problem(CpuDevice{.id = "c", .driver = "", .props = {{"core-id", 1}}}), "");
}

}  // namespace
}  // namespace visor::sdk

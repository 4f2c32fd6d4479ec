// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"
#include "visor/core/describe.hpp"

namespace visor {
namespace {

using testing::expect_error;

/// A sound device, changed by a function, must be refused with this text.
template <class Device, class Change>
void refuses(Device device, const std::string& why, const Change& change) {
  EXPECT_NO_THROW(check_fields(DeviceConfig{device})) << why;
  change(device);
  expect_error(Errc::invalid_config, why, [&] { check_fields(DeviceConfig{device}); });
}

DiskConfig disk() { return {.id = "data", .path = "/disk.img"}; }
NicConfig tap() { return {.backend = NicBackend::tap, .interface = "tap0", .mac = "02:00:00:00:00:01"}; }
VhostUserConfig served_fs() { return {.type = VhostUserType::fs, .socket = "/run/fs.sock", .tag = "share"}; }

TEST(DeviceRules, DiskNeedsAPath) {
  refuses(disk(), "path: Must be given", [](auto& d) { d.path.clear(); });
}
TEST(DeviceRules, PathsAreAbsolute) {
  refuses(disk(), "path: Must be an absolute path, found 'disk.img'", [](auto& d) { d.path = "disk.img"; });
}
TEST(DeviceRules, PathsHaveNoNewlineAndNoNul) {
  refuses(disk(), "path: Must not contain a newline, a NUL", [](auto& d) { d.path = "/a\nb"; });
  refuses(disk(), "path: Must not contain a newline, a NUL", [](auto& d) { d.path = std::string("/a\0b", 4); });
}
TEST(DeviceRules, TextsAreUtf8) {
  for (const auto* bytes : {"/\xff", "/\xc3", "/\xc0\xaf", "/\xed\xa0\x80", "/\xf4\x90\x80\x80"}) {
    refuses(disk(), "path: Must be UTF-8 text", [&](auto& d) { d.path = bytes; });
  }
  auto good = disk();
  good.path = "/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";
  EXPECT_NO_THROW(check_fields(DeviceConfig{good}));
}
TEST(DeviceRules, IdsAreRefusedNotCut) {
  refuses(disk(), "id: A name has at most 31", [](auto& d) { d.id.assign(32, 'a'); });
  refuses(disk(), "id: A name begins with", [](auto& d) { d.id = "a/b"; });
}
TEST(DeviceRules, EnumeratorsOfLaterVersionsAreRefused) {
  refuses(disk(), "bus: Expected one of", [](auto& d) { d.bus = static_cast<DiskBus>(77); });
}
TEST(DeviceRules, DiskSerialIsNotCut) {
  refuses(disk(), "serial has 21 characters, at most 20", [](auto& d) { d.serial.assign(21, 's'); });
}
TEST(DeviceRules, BlockSizesArePowersOfTwo) {
  refuses(disk(), "power of two", [](auto& d) { d.logical_block_size_bytes = 1000; });
  refuses(disk(), "power of two", [](auto& d) { d.physical_block_size_bytes = 256; });
  refuses(disk(), "Must be at most 65536 bytes", [](auto& d) { d.physical_block_size_bytes = 131072; });
}
TEST(DeviceRules, LogicalBlocksAreNotLargerThanPhysicalOnes) {
  refuses(disk(), "4096 is more than physical_block_size_bytes 512", [](auto& d) {
    d.logical_block_size_bytes = 4096;
    d.physical_block_size_bytes = 512;
  });
}
TEST(DeviceRules, Shares) {
  const ShareConfig share{.path = "/srv", .tag = "srv"};
  refuses(share, "path: Must be given", [](auto& s) { s.path.clear(); });
  refuses(share, "tag: Must be given", [](auto& s) { s.tag.clear(); });
  refuses(share, "tag has 32 characters, at most 31", [](auto& s) { s.tag.assign(32, 't'); });
}
TEST(DeviceRules, CloudInit) {
  CloudInitConfig cloud;
  cloud.user_data = "#cloud-config\npackages:\n\t- x\r\n";
  cloud.meta_data_path = "/m";
  refuses(cloud, "`user_data` and `user_data_path` cannot both be given", [](auto& c) { c.user_data_path = "/u"; });
  refuses(cloud, "`meta_data` and `meta_data_path` cannot both be given", [](auto& c) { c.meta_data = "a: b"; });
  refuses(cloud, "user_data: Must not contain control characters", [](auto& c) { c.user_data += '\0'; });
  refuses(cloud, "user_data: Must not contain control characters", [](auto& c) { c.user_data += '\x1b'; });
  refuses(cloud, "user_data: Has 65537 bytes, at most 65536", [](auto& c) { c.user_data.assign(65537, 'a'); });
}
TEST(DeviceRules, NicAddresses) {
  refuses(tap(), "is not of the form", [](auto& n) { n.mac = "02:00:00:00:00"; });
  refuses(tap(), "is not of the form", [](auto& n) { n.mac = "02:00:00:00:00:0g"; });
  refuses(tap(), "is not of the form", [](auto& n) { n.mac = "02-00-00-00-00-01"; });
  refuses(tap(), "multicast", [](auto& n) { n.mac = "03:00:00:00:00:01"; });
}
TEST(DeviceRules, NicInterfaces) {
  refuses(tap(), "needs the host's `interface`", [](auto& n) { n.interface.clear(); });
  refuses(tap(), "interface has 16 characters, at most 15", [](auto& n) { n.interface.assign(16, 'i'); });
  refuses(NicConfig{}, "has no host interface", [](auto& n) { n.interface = "tap0"; });
  refuses(NicConfig{}, "one pair of queues", [](auto& n) { n.queues = 2; });
  EXPECT_NO_THROW(check_fields(NicConfig{.backend = NicBackend::vdpa, .interface = "/dev/vhost-vdpa-0"}));
}
TEST(DeviceRules, NicQueues) {
  refuses(tap(), "queues: queues must be at least 1", [](auto& n) { n.queues = 0; });
  refuses(tap(), "queues: queues must be at most 256", [](auto& n) { n.queues = 257; });
}
TEST(DeviceRules, SerialPorts) {
  const SerialPortConfig port{.name = "agent", .socket = "/" + std::string(106, 's')};
  refuses(port, "name: Must be given", [](auto& p) { p.name.clear(); });
  refuses(port, "socket has 108 characters, at most 107", [](auto& p) { p.socket += "s"; });
}
TEST(ShareMounts, SayWhatTheGuestChooses) {
  struct Row {
    SharedFs standard;
    ShareType own;
    bool read_only;
    const char* options;
  };
  for (const auto& [standard, own, read_only, options] : std::initializer_list<Row>{
           {SharedFs::virtio_9p, ShareType::automatic, false, "trans=virtio,version=9p2000.L,msize=65536"},
           {SharedFs::virtio_9p, ShareType::plan9, true, "trans=virtio,version=9p2000.L,msize=65536,ro"},
           {SharedFs::virtio_9p, ShareType::virtio_fs, true, "ro"},
           {SharedFs::virtio_fs, ShareType::automatic, false, ""},
           {SharedFs::virtio_fs, ShareType::plan9, false, "trans=virtio,version=9p2000.L,msize=65536"}}) {
    VmConfig config;
    config.shared_fs.type = standard;
    config.shared_fs.msize_9p_bytes = 65536;
    ShareConfig share;
    share.type = own;
    share.read_only = read_only;
    EXPECT_EQ(share_mount_options(config, share), options);
  }
  EXPECT_EQ(share_mount_options({}, {}), "trans=virtio,version=9p2000.L") << "nothing was normalised";
}

TEST(DeviceRules, VsockContexts) {
  refuses(VsockConfig{}, "cid: Must be at least 3", [](auto& v) { v.cid = 2; });
  refuses(VsockConfig{}, "cid: Must be at most 4294967294", [](auto& v) { v.cid = 0xffffffff; });
}
TEST(DeviceRules, HostDevices) {
  const VfioConfig pci{.host = "0000:3b:00.7"};
  refuses(pci, "Exactly one of `host` and `sysfs_path`", [](auto& v) { v.host.clear(); });
  refuses(pci, "Exactly one of `host` and `sysfs_path`", [](auto& v) { v.sysfs_path = "/sys/x"; });
  refuses(pci, "is not a PCI address", [](auto& v) { v.host = "0000:3b:00.8"; });
  refuses(pci, "is not a PCI address", [](auto& v) { v.host = "0000:3b:00.0,x=y"; });
  EXPECT_NO_THROW(check_fields(VfioConfig{.host = "3b:00.0"}));
  EXPECT_NO_THROW(check_fields(VfioConfig{.sysfs_path = "/sys/bus/mdev/devices/x"}));
}
TEST(DeviceRules, VhostUser) {
  refuses(served_fs(), "socket: Must be given", [](auto& v) { v.socket.clear(); });
  refuses(served_fs(), "needs a `tag`", [](auto& v) { v.tag.clear(); });
  refuses(served_fs(), "Only a vhost-user network card has a `mac`", [](auto& v) { v.mac = "02:00:00:00:00:01"; });
  refuses(served_fs(), "Only a vhost-user file system has a `tag`", [](auto& v) { v.type = VhostUserType::blk; });
}
TEST(DeviceRules, Rng) {
  refuses(RngConfig{}, "period_ms needs max_bytes", [](auto& r) { r.period_ms = 1; });
}
TEST(DeviceRules, FwCfg) {
  const FwCfgConfig blob{.name = "opt/org.example/x", .text = "hello"};
  refuses(blob, "name: Must be given", [](auto& f) { f.name.clear(); });
  refuses(blob, "name has 56 characters, at most 55", [](auto& f) { f.name.assign(56, 'n'); });
  refuses(blob, "Exactly one of `path` and `text`", [](auto& f) { f.text.clear(); });
  refuses(blob, "Exactly one of `path` and `text`", [](auto& f) { f.path = "/f"; });
}
TEST(DeviceRules, RawDevices) {
  const RawDeviceConfig raw{.driver = "edu", .properties = Value::map({{"a", 1}})};
  refuses(raw, "driver: Must be given", [](auto& r) { r.driver.clear(); });
  refuses(raw, "properties: Expected a map of properties", [](auto& r) { r.properties = Value{3}; });
  refuses(raw, "properties: Must not contain", [](auto& r) { r.properties = Value::map({{"a", "b\nc"}}); });
}

}  // namespace
}  // namespace visor

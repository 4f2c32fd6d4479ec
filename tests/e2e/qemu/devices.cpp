// SPDX-License-Identifier: Apache-2.0
#include "devices.hpp"

#include "visor/core/extension.hpp"
#include "visor/core/file.hpp"

namespace visor::test {
namespace {

constexpr const char* mac = "02:00:00:00:00:07";

Value ask_qemu(Vm& vm, const std::string& command) {
  return std::dynamic_pointer_cast<QmpExtension>(vm.extension(QmpExtension::id))->execute(command, {}, 30s);
}

}  // namespace

void DeviceTest::SetUp() {
  QemuTest::SetUp();
  if (run_dir_.empty()) return;
  files_ = run_dir_.string() + "-files";
  std::filesystem::create_directories(shared());
}

void DeviceTest::TearDown() {
  QemuTest::TearDown();
  if (!files_.empty()) std::filesystem::remove_all(files_);
}

DiskConfig DeviceTest::disk(const std::string& id, DiskBus bus) const {
  DiskConfig disk;
  disk.id = id;
  disk.path = (files_ / (id + ".img")).string();
  disk.bus = bus;
  disk.serial = "serial-" + id;
  std::string content = "this is " + id + "\n";
  content.resize(1U << 20U);
  write_file_atomically(disk.path, content);
  return disk;
}

void DeviceTest::add_disks(VmConfig& config) const {
  IoThreadConfig thread;
  thread.id = "io";
  auto second = disk("second", DiskBus::virtio_blk);
  second.iothread = "io";
  config.devices.emplace_back(thread);
  config.devices.emplace_back(disk("first", DiskBus::virtio_blk));
  config.devices.emplace_back(second);
  config.devices.emplace_back(disk("scsi", DiskBus::scsi));
}

void DeviceTest::add_shares(VmConfig& config) const {
  write_file_atomically(shared() / "from-host", "of the host\n");
  ShareConfig share;
  share.path = shared().string();
  share.tag = "both";
  config.devices.emplace_back(share);
  share.tag = "looks";
  share.read_only = true;
  config.devices.emplace_back(share);
}

void DeviceTest::add_small(VmConfig& config) {
  NicConfig nic;
  nic.mac = mac;
  BalloonConfig balloon;
  balloon.deflate_on_oom = true;
  WatchdogConfig watchdog;
  watchdog.action = WatchdogAction::pause;
  SerialPortConfig port;
  port.id = "second-port";
  port.name = "cmd";
  for (const auto& device : std::initializer_list<DeviceConfig>{nic, balloon, watchdog, port, RngConfig{}}) {
    config.devices.push_back(device);
  }
}

void DeviceTest::check_disks(Agent guest) const {
  const auto disk_of = [&](const std::string& serial) {
    return guest.ask("for d in /sys/block/vd*; do [ $(cat $d/serial) = " + serial +
                     " ] && echo /dev/${d##*/}; done; :");
  };
  const auto second = disk_of("serial-second");
  EXPECT_EQ(guest.ask("head -n 1 " + disk_of("serial-first")), "this is first");
  EXPECT_EQ(guest.ask("head -n 1 " + second), "this is second");
  EXPECT_EQ(guest.ask("echo written | dd of=" + second + " conv=fsync 2>/dev/null; head -n 1 " + second), "written");
  EXPECT_EQ(read_file(files_ / "second.img").substr(0, 8), "written\n");
  EXPECT_EQ(guest.ask("head -n 1 /dev/sda"), "this is scsi");
  // linux: the unit serial number is page 0x80 of a SCSI disk's vital product data, behind a head of four bytes
  EXPECT_EQ(guest.ask("tail -c +5 /sys/block/sda/device/vpd_pg80"), "serial-scsi");
}

void DeviceTest::check_network(Agent guest) {
  EXPECT_EQ(guest.ask("cat /sys/class/net/eth0/address"), mac);
  EXPECT_NE(guest.ask("ip link set eth0 up; udhcpc -i eth0 -n -q -f -s /bin/true 2>&1").find("10.0.2.15"),
            std::string::npos);
  guest.ask("ip addr add 10.0.2.15/24 dev eth0");
  EXPECT_NE(guest.ask("ping -c 1 -W 10 10.0.2.2").find("1 packets received"), std::string::npos);
}

void DeviceTest::check_shares(Agent guest) const {
  guest.ask("modprobe 9p; modprobe 9pnet_virtio; mkdir -p /tmp/both /tmp/looks");
  VmConfig mounts;
  mounts.shared_fs.msize_9p_bytes = 65536;
  guest.ask("mount -t 9p -o " + share_mount_options(mounts, {}) + " both /tmp/both");
  guest.ask("mount -t 9p -o " + share_mount_options(mounts, {.read_only = true}) + " looks /tmp/looks");
  EXPECT_EQ(guest.ask("grep -c msize=65536 /proc/mounts"), "2");
  EXPECT_EQ(guest.ask("cat /tmp/both/from-host"), "of the host");
  EXPECT_EQ(guest.ask("cat /tmp/looks/from-host"), "of the host");
  guest.ask("echo of the guest > /tmp/both/from-guest");
  EXPECT_EQ(read_file(shared() / "from-guest"), "of the guest\n");
  EXPECT_NE(guest.run("echo no > /tmp/looks/never").status, 0);
  EXPECT_FALSE(std::filesystem::exists(shared() / "never"));
}

void DeviceTest::check_small(Agent guest, Vm& vm) const {
  EXPECT_EQ(guest.ask("modprobe virtio-rng; cat /sys/class/misc/hw_random/rng_current"), "virtio_rng.0");
  EXPECT_EQ(guest.ask("modprobe virtio_balloon; ls /sys/bus/virtio/drivers/virtio_balloon | grep -c virtio"), "1");
  EXPECT_EQ(Agent{(folder() / "port-second-port.sock").string()}.ask("echo there"), "there");
  EXPECT_EQ(ask_qemu(vm, "query-iothreads").as_list().front().at("id").as_string(), "io");
  EXPECT_GT(ask_qemu(vm, "query-balloon").at("actual").as_int(), 0);
}

}  // namespace visor::test

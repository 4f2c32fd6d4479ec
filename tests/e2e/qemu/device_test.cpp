// SPDX-License-Identifier: Apache-2.0
// Devices of every kind that an emulated guest can have here, all in one boot: the guest itself says what it has.
#include "guest.hpp"
#include "visor/core/extension.hpp"
#include "visor/core/file.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>

extern char** environ;

namespace visor::test {
namespace {

/// The daemon of virtio-fs on a folder; it ends by itself when QEMU does. Not there on a host without it.
class FsDaemon {
 public:
  static constexpr const char* program = "/usr/lib/qemu/virtiofsd";  // Debian's package qemu-system-common
  static bool installed() { return ::access(program, X_OK) == 0; }

  FsDaemon(const std::string& socket, const std::string& folder) {
    std::vector<std::string> words = {program, "--socket-path=" + socket, "-o", "source=" + folder};
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    for (const int fd : {1, 2}) ::posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_WRONLY, 0);
    EXPECT_EQ(::posix_spawn(&pid_, program, &actions, nullptr, argv.data(), environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    EXPECT_TRUE(eventually([&] { return std::filesystem::exists(socket); }));
  }
  FsDaemon(const FsDaemon&) = delete;
  FsDaemon& operator=(const FsDaemon&) = delete;
  ~FsDaemon() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_ = 0;
};

class Devices : public QemuTest {
 protected:
  void SetUp() override {
    QemuTest::SetUp();
    if (run_dir_.empty()) return;
    files_ = run_dir_.string() + "-files";
    std::filesystem::create_directories(shared());
  }
  void TearDown() override {
    QemuTest::TearDown();
    if (!files_.empty()) std::filesystem::remove_all(files_);
  }

  [[nodiscard]] std::filesystem::path shared() const { return files_ / "shared"; }
  [[nodiscard]] std::filesystem::path served() const { return files_ / "served.sock"; }

  [[nodiscard]] DiskConfig disk(const std::string& id, DiskBus bus) const {
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

  void add_disks(VmConfig& config) const {
    IoThreadConfig thread;
    thread.id = "io";
    auto second = disk("second", DiskBus::virtio_blk);
    second.iothread = "io";
    config.devices.emplace_back(thread);
    config.devices.emplace_back(disk("first", DiskBus::virtio_blk));
    config.devices.emplace_back(second);
    config.devices.emplace_back(disk("scsi", DiskBus::scsi));
  }

  void add_shares(VmConfig& config) const {
    write_file_atomically(shared() / "from-host", "of the host\n");
    ShareConfig share;
    share.path = shared().string();
    share.tag = "both";
    config.devices.emplace_back(share);
    share.tag = "looks";
    share.read_only = true;
    config.devices.emplace_back(share);
    if (!FsDaemon::installed()) return;
    VhostUserConfig fs;
    fs.type = VhostUserType::fs;
    fs.socket = served().string();
    fs.tag = "served";
    config.devices.emplace_back(fs);
  }

  static void add_small(VmConfig& config) {
    NicConfig nic;
    nic.mac = "02:00:00:00:00:07";
    FwCfgConfig blob;
    blob.name = "opt/visor/blob";
    blob.text = "a,b=c";
    BalloonConfig balloon;
    balloon.deflate_on_oom = true;
    WatchdogConfig watchdog;
    watchdog.action = WatchdogAction::pause;
    SerialPortConfig port;
    port.id = "second-port";
    port.name = "cmd";
    for (const DeviceConfig& device :
         std::initializer_list<DeviceConfig>{nic, blob, balloon, watchdog, port, RngConfig{}, IommuConfig{}}) {
      config.devices.push_back(device);
    }
  }

  static Value ask_qemu(Vm& vm, const std::string& command) {
    return std::dynamic_pointer_cast<QmpExtension>(vm.extension(QmpExtension::id))->execute(command, {}, 30s);
  }

  std::filesystem::path files_;
};

void check_disks(Agent guest) {
  EXPECT_EQ(guest.ask("cat /sys/block/vda/serial"), "serial-first");
  EXPECT_EQ(guest.ask("cat /sys/block/vdb/serial"), "serial-second");
  EXPECT_EQ(guest.ask("head -n 1 /dev/vda"), "this is first");
  EXPECT_EQ(guest.ask("head -n 1 /dev/vdb"), "this is second");
  EXPECT_EQ(guest.ask("head -n 1 /dev/sda"), "this is scsi");
  // linux: the unit serial number is page 0x80 of a SCSI disk's vital product data, behind a head of four bytes
  EXPECT_EQ(guest.ask("tail -c +5 /sys/block/sda/device/vpd_pg80"), "serial-scsi");
  EXPECT_EQ(guest.ask("echo written | dd of=/dev/vdb conv=fsync 2>/dev/null; head -n 1 /dev/vdb"), "written");
}

void check_network(Agent guest) {
  EXPECT_EQ(guest.ask("cat /sys/class/net/eth0/address"), "02:00:00:00:00:07");
  EXPECT_NE(guest.ask("ip link set eth0 up; udhcpc -i eth0 -n -q -f -s /bin/true 2>&1").find("10.0.2.15"),
            std::string::npos);
  guest.ask("ip addr add 10.0.2.15/24 dev eth0");
  EXPECT_NE(guest.ask("ping -c 1 -W 10 10.0.2.2").find("1 packets received"), std::string::npos);
}

void check_shares(Agent guest, const std::filesystem::path& shared) {
  guest.ask("modprobe 9p; modprobe 9pnet_virtio; mkdir -p /tmp/both /tmp/looks");
  guest.ask("mount -t 9p -o trans=virtio,version=9p2000.L both /tmp/both");
  guest.ask("mount -t 9p -o trans=virtio,version=9p2000.L looks /tmp/looks");
  EXPECT_EQ(guest.ask("cat /tmp/both/from-host"), "of the host");
  EXPECT_EQ(guest.ask("cat /tmp/looks/from-host"), "of the host");
  guest.ask("echo of the guest > /tmp/both/from-guest");
  EXPECT_EQ(read_file(shared / "from-guest"), "of the guest\n");
  EXPECT_NE(guest.run("echo no > /tmp/looks/never").status, 0);
  EXPECT_FALSE(std::filesystem::exists(shared / "never"));
}

void check_served(Agent guest, const std::filesystem::path& shared) {
  guest.ask("modprobe virtiofs; mkdir -p /tmp/served; mount -t virtiofs served /tmp/served");
  EXPECT_EQ(guest.ask("cat /tmp/served/from-host"), "of the host");
  guest.ask("echo by virtio-fs > /tmp/served/by-virtio-fs");
  EXPECT_EQ(read_file(shared / "by-virtio-fs"), "by virtio-fs\n");
}

void check_small(Agent guest) {
  guest.ask("modprobe qemu_fw_cfg");
  EXPECT_EQ(guest.ask("cat /sys/firmware/qemu_fw_cfg/by_name/opt/visor/blob/raw"), "a,b=c");
  EXPECT_EQ(guest.ask("modprobe virtio-rng; cat /sys/class/misc/hw_random/rng_current"), "virtio_rng.0");
  EXPECT_EQ(guest.ask("modprobe virtio_balloon; ls /sys/bus/virtio/drivers/virtio_balloon | grep -c virtio"), "1");
  EXPECT_EQ(guest.ask("modprobe i6300esb; cat /sys/class/watchdog/watchdog0/identity"), "i6300ESB timer");
  EXPECT_EQ(guest.ask("ls /sys/class/iommu"), "dmar0");
}

TEST_F(Devices, AreWhatTheGuestSees) {
  auto config = this->config();
  add_disks(config);
  add_shares(config);
  add_small(config);
  std::optional<FsDaemon> daemon;
  if (FsDaemon::installed()) daemon.emplace(served().string(), shared().string());
  const auto vm = boot(config);
  check_disks(agent());
  check_network(agent());
  check_shares(agent(), shared());
  if (daemon) check_served(agent(), shared());
  check_small(agent());
  EXPECT_EQ(Agent{(folder() / "port-second-port.sock").string()}.ask("echo there"), "there");
  EXPECT_EQ(ask_qemu(*vm, "query-iothreads").as_list().front().at("id").as_string(), "io");
  EXPECT_GT(ask_qemu(*vm, "query-balloon").at("actual").as_int(), 0);
  EXPECT_EQ(read_file(files_ / "second.img").substr(0, 8), "written\n");
  // Last, since it stops the guest: nobody tells the watchdog in time that all is well.
  agent().ask("watchdog -T 2 -t 1000 /dev/watchdog");
  EXPECT_TRUE(eventually([&] { return vm->status(5s).state == VmState::paused; }, 60s));
  vm->stop({.force = true}, 20s);
}

TEST_F(Devices, ReachMemoryThroughTheIommu) {
  auto config = this->config();
  config.machine.iommu_platform = true;
  config.devices.emplace_back(IommuConfig{});
  config.devices.emplace_back(disk("first", DiskBus::virtio_blk));
  const auto vm = boot(config);
  auto guest = agent();
  EXPECT_EQ(guest.ask("ls /sys/class/iommu"), "dmar0");
  EXPECT_EQ(guest.ask("head -n 1 /dev/vda"), "this is first");
  // virtio 1.2, 6: feature bit 33, VIRTIO_F_ACCESS_PLATFORM
  EXPECT_EQ(guest.ask("cut -c 34 /sys/block/vda/device/features"), "1");
  EXPECT_NE(guest.ask("ls -d /sys/class/block/vda/device/../iommu_group"), "");
  vm->stop({.force = true}, 20s);
}

}  // namespace
}  // namespace visor::test

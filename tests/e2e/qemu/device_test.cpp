// SPDX-License-Identifier: Apache-2.0
// Devices of every kind that an emulated guest can have here, all in one boot: the guest itself says what it has.
#include "devices.hpp"
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

class Devices : public DeviceTest {
 protected:
  [[nodiscard]] std::filesystem::path served() const { return files_ / "served.sock"; }

  /// What only an amd64 guest shows here.
  void add_more(VmConfig& config) const {
    FwCfgConfig blob;
    blob.name = "opt/visor/blob";
    blob.text = "a,b=c";
    config.devices.emplace_back(blob);
    config.devices.emplace_back(IommuConfig{});
    if (!FsDaemon::installed()) return;
    VhostUserConfig fs;
    fs.type = VhostUserType::fs;
    fs.socket = served().string();
    fs.tag = "served";
    config.devices.emplace_back(fs);
  }
};

void check_served(Agent guest, const std::filesystem::path& shared) {
  guest.ask("modprobe virtiofs; mkdir -p /tmp/served; mount -t virtiofs served /tmp/served");
  EXPECT_EQ(guest.ask("cat /tmp/served/from-host"), "of the host");
  guest.ask("echo by virtio-fs > /tmp/served/by-virtio-fs");
  EXPECT_EQ(read_file(shared / "by-virtio-fs"), "by virtio-fs\n");
}

void check_more(Agent guest) {
  guest.ask("modprobe qemu_fw_cfg");
  EXPECT_EQ(guest.ask("cat /sys/firmware/qemu_fw_cfg/by_name/opt/visor/blob/raw"), "a,b=c");
  EXPECT_EQ(guest.ask("ls /sys/class/iommu"), "dmar0");
}

TEST_F(Devices, AreWhatTheGuestSees) {
  auto config = this->config();
  add_disks(config);
  add_shares(config);
  add_small(config);
  add_more(config);
  std::optional<FsDaemon> daemon;
  if (FsDaemon::installed()) daemon.emplace(served().string(), shared().string());
  const auto vm = boot(config);
  check_disks(agent());
  check_network(agent());
  check_shares(agent());
  if (daemon) check_served(agent(), shared());
  check_small(agent(), *vm);
  check_more(agent());
  EXPECT_EQ(agent().ask("modprobe i6300esb; cat /sys/class/watchdog/watchdog0/identity"), "i6300ESB timer");
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

class DevicesOn : public DeviceTest, public ::testing::WithParamInterface<const char*> {
 protected:
  [[nodiscard]] const GuestArch& arch() const override { return guest_arch(GetParam()); }
};

TEST_P(DevicesOn, AreWhatTheGuestSees) {
  auto config = this->config();
  add_disks(config);
  add_shares(config);
  add_small(config);
  const auto vm = boot(config);
  check_disks(agent());
  check_network(agent());
  check_shares(agent());
  check_small(agent(), *vm);
  vm->stop({.force = true}, 20s);
}

INSTANTIATE_TEST_SUITE_P(Guests, DevicesOn, ::testing::Values("arm64", "ppc64le", "s390x"),
                         [](const auto& arch) { return std::string{arch.param}; });

}  // namespace
}  // namespace visor::test

// SPDX-License-Identifier: Apache-2.0
// Folders shared by virtio-fs, whose daemon the driver starts and ends.
#include "devices.hpp"
#include "visor/core/file.hpp"

#include <unistd.h>

#include <csignal>

namespace visor::test {
namespace {

class ServedShares : public DeviceTest {
 protected:
  void SetUp() override {
    if (::access("/usr/lib/qemu/virtiofsd", X_OK) != 0 && ::access("/usr/libexec/virtiofsd", X_OK) != 0) {
      GTEST_SKIP() << "no virtiofsd is installed";
    }
    DeviceTest::SetUp();
  }
  [[nodiscard]] VmConfig served_config() const {
    write_file_atomically(shared() / "from-host", "of the host\n");
    auto config = this->config();
    ShareConfig share;
    share.id = "data";
    share.path = shared().string();
    share.tag = "served";
    share.type = ShareType::virtio_fs;
    config.devices.emplace_back(share);
    return config;
  }
  void check_share(Agent& guest) const {
    guest.ask("modprobe virtiofs; mkdir -p /tmp/served; mount -t virtiofs served /tmp/served");
    EXPECT_EQ(guest.ask("cat /tmp/served/from-host"), "of the host");
    guest.ask("mkdir /tmp/served/folder; echo of the guest > /tmp/served/folder/file");
    EXPECT_EQ(read_file(shared() / "folder/file"), "of the guest\n");
    write_file_atomically(shared() / "later", "of the host, later\n");
    EXPECT_EQ(guest.ask("cat /tmp/served/later"), "of the host, later");
    guest.ask("mv /tmp/served/later /tmp/served/moved; rm /tmp/served/from-host");
    EXPECT_TRUE(std::filesystem::exists(shared() / "moved"));
    EXPECT_FALSE(std::filesystem::exists(shared() / "from-host"));
  }
  [[nodiscard]] std::vector<int> daemons() const { return processes_of("source=" + shared().string()); }
};

TEST_F(ServedShares, AreReadAndWrittenAndTheirDaemonGoesWithTheVm) {
  const auto vm = boot(served_config());
  auto guest = agent();
  check_share(guest);
  EXPECT_FALSE(daemons().empty());
  const auto events = vm->events();
  vm->stop({}, 60s);
  while (const auto event = events->next(20s)) EXPECT_NE(event->kind, EventKind::helper_exited);
  EXPECT_TRUE(daemons().empty());
  EXPECT_FALSE(std::filesystem::exists(folder() / "fs-data.sock"));
}

TEST_F(ServedShares, ADaemonThatIsKilledIsToldAndTheGuestRunsOn) {
  const auto vm = boot(served_config());
  const auto events = vm->events();
  ASSERT_EQ(::kill(vm->pids().back(), SIGKILL), 0);
  for (;;) {
    const auto event = events->next(20s);
    ASSERT_TRUE(event);
    if (event->kind == EventKind::helper_exited) break;
  }
  EXPECT_EQ(agent().ask("echo alive"), "alive");
  vm->stop({.force = true}, 20s);
}

TEST_F(ServedShares, AFolderThatTheDaemonCannotServeFailsTheStart) {
  auto config = served_config();
  config.shared_fs.daemon_args = {"-o", "no_such_option"};
  auto vm = runtime_->create(config, "vm");
  try {
    vm->start(60s);
    FAIL() << "it started";
  } catch (const Error& error) {
    EXPECT_NE(std::string{error.what()}.find("no_such_option"), std::string::npos) << error.what();
  }
  expect_nothing_left();
}

class ServedSharesOn : public ServedShares, public ::testing::WithParamInterface<const char*> {
 protected:
  [[nodiscard]] const GuestArch& arch() const override { return guest_arch(GetParam()); }
};

TEST_P(ServedSharesOn, AreReadAndWritten) {
  const auto vm = boot(served_config());
  auto guest = agent();
  check_share(guest);
  vm->stop({.force = true}, 20s);
  EXPECT_TRUE(daemons().empty());
}

INSTANTIATE_TEST_SUITE_P(Guests, ServedSharesOn, ::testing::Values("arm64"),
                         [](const auto& arch) { return std::string{arch.param}; });

}  // namespace
}  // namespace visor::test

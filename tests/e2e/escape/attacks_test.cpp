// SPDX-License-Identifier: Apache-2.0
// Five texts that took over a VM where option text was joined by hand, each in a VM of the product on a real QEMU.
#include "fields.hpp"
#include "started.hpp"
#include "support/left_over.hpp"
#include "visor/core/file.hpp"
#include "visor/sdk/process/reaper.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace visor::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class Attack : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_qemu("amd64")) GTEST_SKIP() << "no QEMU for amd64 is installed";
    adopt_orphans();
  }
  void TearDown() override {
    (void)sdk::reap_left_over();
    EXPECT_EQ(left_processes(10s), std::vector<std::string>{});
  }

  /// A path below the folder of the test; the folders above it are made.
  [[nodiscard]] std::string path(const std::string& name) const {
    const auto path = files_.folder() / name;
    fs::create_directories(path.parent_path());
    return path.string();
  }
  [[nodiscard]] std::string file(const std::string& name) const {
    std::ofstream{path(name), std::ios::binary} << std::string(512, 's');
    return path(name);
  }
  [[nodiscard]] Started start(const std::vector<DeviceConfig>& devices, const std::string& name = "vm") const {
    auto config = files_.base();
    config.devices = devices;
    config.name = name;
    return {"amd64", config, files_.folder() / "run"};
  }

 private:
  Files files_{"amd64"};
};

TEST_F(Attack, APathGivesNoOtherFileToTheGuest) {
  const auto secret = file("secret");
  for (const auto* key : {"file", "file.filename"}) {
    const auto disk = file("d.raw," + std::string{key} + "=" + secret + ",readonly=on");
    auto started = start({DiskConfig{.id = "d", .path = disk}});
    EXPECT_EQ(started.told().node_file("node-d"), disk);
    EXPECT_TRUE(started.told().open_files().contains(disk));
    EXPECT_FALSE(started.told().open_files().contains(secret));
    fs::remove_all(path("run"));
  }
}

TEST_F(Attack, AFolderSharesNoOtherOne) {
  const auto other = path("other");
  fs::create_directory(other);
  const auto share = path("sh,path=" + other);
  fs::create_directory(share);
  auto started = start({ShareConfig{.id = "s", .path = share, .tag = "t"}});
  EXPECT_TRUE(started.told().open_files().contains(share));
  EXPECT_FALSE(started.told().open_files().contains(other));
}

TEST_F(Attack, ASocketWritesNoFileOfTheHost) {
  const auto written = path("w");
  const auto socket = path("s,logfile=" + written + ",logappend=on");
  auto started = start({SerialPortConfig{.id = "p", .name = "n", .socket = socket}});
  EXPECT_EQ(started.told().chardev("p-chardev"), "disconnected:unix:" + socket + ",server=on");
  EXPECT_FALSE(fs::exists(written));
}

TEST_F(Attack, ANameHidesNoProcess) {
  auto started = start({}, "vm,process=systemd-fake");
  EXPECT_EQ(started.told().name(), "vm,process=systemd-fake");
  EXPECT_EQ(read_file("/proc/" + std::to_string(started.pid()) + "/comm"), "qemu:trip\n");
}

TEST_F(Attack, ATagShowsNoFileAsRom) {
  auto started = start({ShareConfig{.id = "s", .path = "/tmp", .tag = "t,romfile=/etc/passwd,rombar=1"},
                        ShareConfig{.id = "plain", .path = "/tmp", .tag = "plain"}});
  EXPECT_EQ(started.told().property("s", "mount_tag"), "t,romfile=/etc/passwd,rombar=1");
  EXPECT_EQ(started.told().property("s", "romfile"), started.told().property("plain", "romfile"));
}

}  // namespace
}  // namespace visor::test

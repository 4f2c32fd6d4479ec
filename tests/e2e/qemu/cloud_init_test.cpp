// SPDX-License-Identifier: Apache-2.0
// The disk for cloud-init as a guest finds it: by its label, with the files that were asked for.
#include "devices.hpp"
#include "support/in_path.hpp"
#include "visor/core/error.hpp"

#include <algorithm>
#include <array>

namespace visor::test {
namespace {

/// Mounts the disk of this label, wherever it is.
std::string mount_labelled(Agent& guest, const std::string& label) {
  return guest.ask("modprobe isofs; mkdir -p /tmp/seed; mount -t iso9660 -o ro $(findfs LABEL=" + label +
                   ") /tmp/seed; cd /tmp/seed; find . -type f | sort");
}

bool has_tool() {
  constexpr std::array tools{"genisoimage", "mkisofs", "xorriso"};
  return std::ranges::any_of(tools, [](const char* tool) { return !program_in_path(tool).empty(); });
}

class CloudInit : public DeviceTest {
 protected:
  void SetUp() override {
    if (!has_tool()) GTEST_SKIP() << "no genisoimage, mkisofs or xorriso is installed";
    DeviceTest::SetUp();
  }

  /// The guest has the disk; in the folder nothing is left of it.
  void stop(Vm& vm) const {
    for (const auto& entry : std::filesystem::directory_iterator{folder()}) {
      EXPECT_EQ(entry.path().filename().string().find("cloud-init"), std::string::npos) << entry.path();
    }
    vm.stop({.force = true}, 20s);
  }
};

TEST_F(CloudInit, ANoCloudDiskIsFoundByItsLabel) {
  auto config = this->config();
  CloudInitConfig cloud;
  cloud.user_data = "#cloud-config\npassword: secret\n";
  cloud.network_config = "version: 2\n";
  config.devices.emplace_back(cloud);
  config.devices.emplace_back(disk("other", DiskBus::virtio_blk));
  const auto vm = boot(config);
  auto guest = agent();
  EXPECT_EQ(mount_labelled(guest, "cidata"), "./meta-data\n./network-config\n./user-data");
  EXPECT_EQ(guest.ask("cat /tmp/seed/user-data"), "#cloud-config\npassword: secret");
  EXPECT_EQ(guest.ask("cat /tmp/seed/network-config"), "version: 2");
  EXPECT_EQ(guest.ask("cat /tmp/seed/meta-data"), R"({"instance-id":"vm","local-hostname":"vm"})");
  EXPECT_EQ(guest.ask("stat -c '%a %u' /tmp/seed/user-data"), "600 0");
  EXPECT_EQ(guest.ask("cat /sys/class/block/$(basename $(findfs LABEL=cidata))/ro"), "1");
  stop(*vm);
}

class CloudInitOn : public CloudInit, public ::testing::WithParamInterface<const char*> {
 protected:
  [[nodiscard]] const GuestArch& arch() const override { return guest_arch(GetParam()); }
};

TEST_P(CloudInitOn, AConfigDriveIsFoundByItsLabel) {
  auto config = this->config();
  CloudInitConfig cloud;
  cloud.source = CloudInitSource::config_drive;
  cloud.user_data = "#!/bin/sh\n";
  cloud.meta_data = R"({"uuid": "u"})";
  config.devices.emplace_back(cloud);
  const auto vm = boot(config);
  auto guest = agent();
  EXPECT_EQ(mount_labelled(guest, "config-2"), "./openstack/latest/meta_data.json\n./openstack/latest/user_data");
  EXPECT_EQ(guest.ask("cat /tmp/seed/openstack/latest/user_data"), "#!/bin/sh");
  EXPECT_EQ(guest.ask("cat /tmp/seed/openstack/latest/meta_data.json"), R"({"uuid": "u"})");
  stop(*vm);
}

INSTANTIATE_TEST_SUITE_P(Guests, CloudInitOn, ::testing::Values("arm64", "ppc64le", "s390x"),
                         [](const auto& arch) { return std::string{arch.param}; });

}  // namespace
}  // namespace visor::test

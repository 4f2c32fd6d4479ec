// SPDX-License-Identifier: Apache-2.0
// What single fields of the configuration do to a plan: nested hosts, vsock, disks that are not wanted, systemd.
#include "plan_support.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/device/addresses.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <ostream>
#include <string>

namespace visor::sdk::plan {
namespace {

/// The places of virtio devices on a host that is, or is not, a guest itself.
struct NestedCase {
  std::string name;
  bool on_vmm = true;
  Accelerator accelerator = Accelerator::kvm;
  std::string machine = "q35";
  std::function<void(VmConfig&)> change = [](VmConfig&) {};
  bool legacy = false;
};
void PrintTo(const NestedCase& each, std::ostream* out) { *out << each.name; }

class PlanNesting : public ::testing::TestWithParam<NestedCase> {};

TEST_P(PlanNesting, MakesDevicesLegacyWhereTheHostIsAGuest) {
  auto config = base(GetParam().machine);
  DiskConfig disk;
  disk.path = "/d";
  VsockConfig vsock;
  vsock.cid = 3;
  config.devices = {disk, RngConfig{}, vsock};
  config.boot.initrd.clear();
  config.boot.image = "/i/root.img";
  GetParam().change(config);
  const auto caps = default_qemu_caps();
  const HostFacts host{.arch = "amd64", .memory_mib = 8192, .cpus = 4, .kvm = true, .on_vmm = GetParam().on_vmm};
  const std::map<std::string, FileFacts> files = {{"/i/root.img", {.size_bytes = 64U << 20U}}};
  const auto& arch = test::arch_of("amd64");
  const auto chosen = with_choices_made(arch, {config, GetParam().accelerator, host, caps}, files);
  const auto plan = make_plan({chosen, arch, host, caps, GetParam().accelerator, "vm0", "/run/vm0", "", files});
  for (const auto* driver : {"virtio-blk", "virtio-rng"}) {
    for (const auto& line : values(plan, "-device", driver)) {
      EXPECT_EQ(line.find("disable-modern=on") != std::string::npos, GetParam().legacy) << line;
    }
  }
  EXPECT_EQ(values(plan, "-device", "vhost-vsock").at(0).find("disable-modern"), std::string::npos)
      << "it has no legacy interface";
}

INSTANTIATE_TEST_SUITE_P(
    Hosts, PlanNesting,
    ::testing::Values(NestedCase{.name = "nested", .legacy = true}, NestedCase{.name = "bare_metal", .on_vmm = false},
                      NestedCase{.name = "emulated", .accelerator = Accelerator::tcg},
                      NestedCase{.name = "pc", .machine = "pc", .legacy = true},
                      NestedCase{.name = "microvm", .machine = "microvm"},
                      NestedCase{.name = "turned_off", .change = [](auto& c) { c.machine.nesting_checks = false; }},
                      NestedCase{.name = "behind_an_iommu",
                                 .change = [](auto& c) { c.machine.iommu_platform = true; }}),
    [](const auto& each) { return each.param.name; });

TEST(PlanIommuPlatform, LeavesNoVirtioDeviceALegacyInterface) {
  VhostUserConfig served;
  served.socket = "/s";
  std::vector<DeviceConfig> devices = {DiskConfig{}, RngConfig{}, NicConfig{}, BalloonConfig{}, SerialPortConfig{}};
  std::get<DiskConfig>(devices.front()).path = "/d";
  served.type = VhostUserType::blk;
  devices.emplace_back(served);
  auto config = with(devices);
  config.machine.iommu_platform = true;
  const auto plan = plan_of("amd64", config);
  auto lines = values(plan, "-device", "virtio-");
  lines.push_back(values(plan, "-device", "vhost-user-blk").at(0));
  EXPECT_EQ(lines.size(), devices.size());
  for (const auto& line : lines) {
    EXPECT_NE(line.find(",disable-legacy=on,iommu_platform=on"), std::string::npos) << line;
  }
  EXPECT_EQ(values(plan, "-global", "virtio-pci"), Lines{}) << "not every type has the property";
  for (const auto& line : values(plan_of("amd64", with(devices)), "-device")) {
    EXPECT_EQ(line.find("disable-legacy"), std::string::npos) << line;
  }
}

TEST(PlanIommuPlatform, SaysNothingOfALegacyInterfaceThatIsNotThere) {
  VhostUserConfig served;
  served.type = VhostUserType::fs;
  served.socket = "/s";
  served.tag = "t";
  auto config = with({served, VsockConfig{}});
  config.machine.iommu_platform = true;
  const auto lines = values(plan_of("amd64", config), "-device", "vhost-");
  EXPECT_EQ(lines.size(), 2U);
  for (const auto& line : lines) {
    EXPECT_NE(line.find(",iommu_platform=on"), std::string::npos) << line;
    EXPECT_EQ(line.find("disable-"), std::string::npos) << line;
  }
}

TEST(PlanIommuPlatform, IsNothingForTheVirtioFsDaemon) {
  ShareConfig share;
  share.id = "s";
  share.path = "/p";
  share.tag = "t";
  share.type = ShareType::virtio_fs;
  const auto refused = [&] {
    return refusal_of("amd64", "q35", [&](auto& c) {
      c.machine.iommu_platform = true;
      c.devices = {share};
    });
  };
  EXPECT_EQ(refused(),
            "unsupported: devices[0].protocol: the virtio-fs daemon does not work with machine.iommu_platform; take "
            "protocol 9p, or leave that out");
  share.type = ShareType::plan9;
  EXPECT_EQ(refused(), "accepted");
}

TEST(PlanVsock, IsThereWhenTheNetworkUsesIt) {
  auto config = base("q35");
  config.network.use_vsock = true;
  EXPECT_EQ(values(plan_of("amd64", config), "-device", "vhost"),
            Lines{"vhost-vsock-pci,id=visor-vsock,guest-cid=" + std::to_string(vsock_cid("vm0", 0)) + ",vhostfd=7"});
  const auto plan = plan_of("amd64", config);
  for (const auto& argument : plan.line.arguments()) {
    if (!argument.value.starts_with("vhost-vsock")) continue;
    EXPECT_EQ(argument.reason, "network.use_vsock");
  }
  VsockConfig mine;
  mine.id = "mine";
  mine.cid = 9;
  config.devices = {mine};
  EXPECT_EQ(values(plan_of("amd64", config), "-device", "vhost"),
            Lines{"vhost-vsock-pci,id=mine,guest-cid=9,vhostfd=7"});
  EXPECT_EQ(plan_of("amd64", config).vsock, 7);
  EXPECT_EQ(plan_of("amd64", base("q35")).vsock, -1);
}

TEST(PlanVsock, IsChosenAgainAsItWas) {
  auto config = base("q35");
  config.network.use_vsock = true;
  const auto caps = default_qemu_caps();
  const HostFacts host{.arch = "amd64", .memory_mib = 8192, .cpus = 4};
  const auto& arch = test::arch_of("amd64");
  const auto once = with_choices_made(arch, {config, Accelerator::tcg, host, caps}, {});
  EXPECT_EQ(with_choices_made(arch, {once, Accelerator::tcg, host, caps}, {}), once);
  config.network.use_vsock = false;
  config.devices = once.devices;
  EXPECT_THROW((void)with_choices_made(arch, {config, Accelerator::tcg, host, caps}, {}), Error)
      << "the id is reserved";
}

TEST(PlanDisk, IsRefusedWhereDisksAreNotWanted) {
  const auto refused = [](const DeviceConfig& device) {
    return refusal_of("amd64", "q35", [&](auto& c) {
      c.storage.disable_block = true;
      c.devices = {device};
    });
  };
  DiskConfig disk;
  disk.id = "d";
  disk.path = "/d";
  VhostUserConfig served;
  served.id = "d";
  served.socket = "/s";
  const std::string why =
      "unsupported: devices[0]: storage.disable_block is set; take a shared folder, or leave it out";
  EXPECT_EQ(refused(disk), why);
  CloudInitConfig cloud;
  cloud.user_data = "#cloud-config";
  EXPECT_EQ(refused(cloud), why) << "it is a disk, too";
  for (const auto type : {VhostUserType::blk, VhostUserType::scsi}) {
    served.type = type;
    EXPECT_EQ(refused(served), why);
  }
  served.type = VhostUserType::net;
  EXPECT_EQ(refused(served), "accepted");
  EXPECT_EQ(refusal_of("amd64", "q35",
                       [](auto& c) {
                         c.storage.disable_block = true;
                         c.boot.initrd.clear();
                         c.boot.image = "/i/root.img";
                       }),
            "accepted")
      << "the root image is none of them";
}

TEST(PlanKernelLine, TellsSystemdHowMuchToSay) {
  struct Row {
    bool image;
    bool debug;
    std::string words;
  };
  for (const auto& [image, debug, words] :
       std::initializer_list<Row>{{true, false, " quiet systemd.show_status=false panic=1"},
                                  {true, true, " debug systemd.show_status=true systemd.log_level=debug panic=1"},
                                  {false, false, " quiet panic=1"},
                                  {false, true, " debug panic=1"}}) {
    auto config = base("q35");
    config.debug = debug;
    if (image) {
      config.boot.initrd.clear();
      config.boot.image = "/i/root.img";
    }
    const auto line = values(plan_of("amd64", config), "-append").at(0);
    EXPECT_TRUE(line.ends_with(words)) << line;
  }
}

}  // namespace
}  // namespace visor::sdk::plan

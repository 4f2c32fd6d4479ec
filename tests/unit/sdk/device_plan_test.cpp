// SPDX-License-Identifier: Apache-2.0
// What each kind of configured device becomes, and which of them are refused. Disks are in disk_plan_test.cpp,
// memory and what the host allows in memory_plan_test.cpp, whole command lines in golden_test.cpp.
#include "plan_support.hpp"
#include "support/temporary_folder.hpp"
#include "visor/core/error.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace visor::sdk::plan {
namespace {

HostFacts host_with_vhost() { return {.arch = "amd64", .memory_mib = 8192, .cpus = 4, .kvm = true, .vhost_net = true}; }

Lines tap_of(bool nic_vhost, bool network_vhost, const HostFacts& host, Accelerator accelerator) {
  NicConfig nic;
  nic.id = "n";
  nic.backend = NicBackend::tap;
  nic.interface = "tap0";
  nic.vhost = nic_vhost;
  auto config = with({nic});
  config.network.vhost = network_vhost;
  const auto caps = default_qemu_caps();
  const auto& arch = test::arch_of("amd64");
  return values(make_plan({config, arch, host, caps, accelerator, "vm", "/run/vm", "", {}}), "-netdev");
}

TEST(PlanNic, TheKernelMovesThePacketsWhereAllAgree) {
  const Lines with_vhost = {"tap,id=n-net,ifname=tap0,script=no,downscript=no,vhost=on,vhostforce=on"};
  const Lines without = {"tap,id=n-net,ifname=tap0,script=no,downscript=no"};
  EXPECT_EQ(tap_of(true, true, host_with_vhost(), Accelerator::kvm), with_vhost);
  EXPECT_EQ(tap_of(false, true, host_with_vhost(), Accelerator::kvm), without);
  EXPECT_EQ(tap_of(true, false, host_with_vhost(), Accelerator::kvm), without);
  EXPECT_EQ(tap_of(true, true, {.arch = "amd64", .kvm = true}, Accelerator::kvm), without);
  EXPECT_EQ(tap_of(true, true, host_with_vhost(), Accelerator::tcg), without);
}

TEST(PlanNic, HasAnAddressOfItsOwn) {
  const auto address = [](const std::string& vm, const std::string& uuid, const std::string& id) {
    NicConfig nic;
    nic.id = id;
    const auto config = with({nic});
    const auto caps = default_qemu_caps();
    const auto& arch = test::arch_of("amd64");
    const auto plan = make_plan({config, arch, {}, caps, Accelerator::tcg, vm, "/run/vm", uuid, {}});
    const auto card = values(plan, "-device", "virtio-net").front();
    return card.substr(card.find("mac=") + 4);
  };
  const std::string uuid = "11111111-2222-4333-8444-555555555555";
  const std::string other_uuid = "21111111-2222-4333-8444-555555555555";
  const auto first = address("vm", uuid, "n");
  EXPECT_EQ(first, address("vm", uuid, "n"));
  EXPECT_EQ(first.size(), 17U);
  EXPECT_EQ(first.substr(0, 3), "02:");
  EXPECT_NE(first, address("vm", uuid, "m"));
  EXPECT_NE(first, address("vm", other_uuid, "n"));
  EXPECT_NE(first, address("other", uuid, "n"));
}

TEST(PlanNic, RefusesWhatQemuCannotOpen) {
  NicConfig nic;
  nic.id = "n";
  for (const auto backend : {NicBackend::macvtap, NicBackend::ipvtap}) {
    nic.backend = backend;
    EXPECT_EQ(refusal({nic}).substr(0, 60), "unsupported: devices[0].backend: QEMU opens a macvtap or ipv");
  }
  nic.backend = static_cast<NicBackend>(99);
  EXPECT_EQ(refusal({nic}), "unsupported: devices[0].backend: the QEMU driver does not know this network backend");
  nic.backend = NicBackend::tap;
  nic.interface = "longer-than-15-bytes";
  EXPECT_EQ(refusal({nic}).substr(0, 15), "invalid_config:");
  nic.backend = NicBackend::vdpa;
  nic.interface = "vdpa0";
  EXPECT_EQ(refusal({nic}).substr(0, 15), "invalid_config:");
  nic.interface = "/dev/vhost-vdpa-0";
  EXPECT_EQ(values(plan_of("amd64", with({nic})), "-netdev"), Lines{"vhost-vdpa,id=n-net,vhostdev=/dev/vhost-vdpa-0"});
  nic.mac = "nonsense";
  EXPECT_EQ(refusal({nic}).substr(0, 15), "invalid_config:");
}

TEST(PlanShare, ByVirtioFsHasADaemonAndSharesTheMemory) {
  ShareConfig share;
  share.id = "s";
  share.path = "/a,b";
  share.tag = "t";
  auto config = with({share});
  config.shared_fs.type = SharedFs::virtio_fs;
  config.shared_fs.cache = VirtioFsCache::always;
  config.shared_fs.daemon_args = {"-o", "xattr"};
  const auto plan = plan_of("amd64", config);
  EXPECT_EQ(values(plan, "-chardev", "socket,id=s-chardev"), Lines{"socket,id=s-chardev,path=/run/vm0/fs-s.sock"});
  EXPECT_EQ(values(plan, "-device", "vhost-user-fs-pci"), Lines{"vhost-user-fs-pci,id=s,chardev=s-chardev,tag=t"});
  EXPECT_EQ(values(plan, "-object").front().substr(0, 21), "memory-backend-memfd,");
  ASSERT_EQ(plan.daemons.size(), 1U);
  EXPECT_EQ(plan.daemons[0].socket, "/run/vm0/fs-s.sock");
  EXPECT_EQ(plan.daemons[0].arguments,
            (Lines{"--fd=3", "-f", "-o", "source=/a\\,b", "-o", "cache=always", "-o", "xattr"}));
}

TEST(PlanShare, ByVirtioFsTakesNothingOfPlan9) {
  ShareConfig share;
  share.id = "s";
  share.path = "/srv";
  share.tag = "t";
  share.type = ShareType::virtio_fs;
  EXPECT_EQ(refusal({share}), "accepted");
  auto other = share;
  other.read_only = true;
  EXPECT_EQ(refusal({other}).substr(0, 36), "unsupported: devices[0].read_only: t");
  other = share;
  other.security = ShareSecurity::passthrough;
  EXPECT_EQ(refusal({other}).substr(0, 35), "unsupported: devices[0].security: i");
  other = share;
  other.id = std::string(30, 'i');
  EXPECT_NE(refusal({other}).find("at most 29 characters"), std::string::npos);
  std::vector<DeviceConfig> many;
  for (int i = 0; i < 17; ++i) {
    other.id = "s" + std::to_string(i);
    other.tag = other.id;
    many.emplace_back(other);
  }
  EXPECT_NE(refusal(many).find("devices[16].protocol: a VM has at most 16 virtio-fs shares"), std::string::npos);
}

TEST(PlanShare, IsSharedByTheProtocolThatIsSaid) {
  ShareConfig share;
  share.id = "s";
  share.path = "/srv";
  share.tag = "t";
  EXPECT_EQ(values(plan_of("amd64", with({share})), "-fsdev"),
            Lines{"local,id=s-fs,path=/srv,security_model=none,multidevs=remap"});
  const auto by = [&](SharedFs fs, const std::string& arch = "amd64", const std::string& machine = "q35") {
    return refusal_of(arch, machine, [&](auto& config) {
      config.shared_fs.type = fs;
      config.devices = {share};
    });
  };
  EXPECT_EQ(by(SharedFs::none),
            "invalid_config: devices[0].protocol: shared_fs.type is none, and the share has no protocol of its own");
  EXPECT_NE(by(SharedFs::virtio_fs, "s390x", "s390-ccw-virtio").find("byte order"), std::string::npos);
  EXPECT_NE(by(SharedFs::virtio_fs, "ppc64le", "pseries").find("open()"), std::string::npos);
  share.type = ShareType::plan9;
  EXPECT_EQ(by(SharedFs::none), "accepted");
  share.tag = std::string(32, 't');
  EXPECT_EQ(refusal({share}).substr(0, 15), "invalid_config:");
  share.tag = "t";
  share.path = "relative";
  EXPECT_EQ(refusal({share}).substr(0, 15), "invalid_config:");
}

TEST(PlanServed, SharesTheGuestsMemory) {
  VhostUserConfig fs;
  fs.id = "f";
  fs.type = VhostUserType::fs;
  fs.socket = "/s/fs.sock";
  fs.tag = "t";
  const auto plan = plan_of("amd64", with({fs}));
  EXPECT_EQ(values(plan, "-object"), Lines{"memory-backend-memfd,id=visor-memory,size=536870912,share=on"});
  EXPECT_EQ(values(plan, "-machine"), Lines{"q35,accel=tcg,memory-backend=visor-memory"});
  EXPECT_EQ(values(plan, "-chardev", "socket,id=f-"), Lines{"socket,id=f-chardev,path=/s/fs.sock"});
  EXPECT_EQ(refusal({fs}, "pseries", "ppc64le").substr(0, 50), "unsupported: devices[0].device: the flags of open(");
  fs.type = VhostUserType::blk;
  fs.tag.clear();
  EXPECT_EQ(refusal({fs}, "microvm").find("on pci alone") != std::string::npos, true);
  fs.type = static_cast<VhostUserType>(99);
  EXPECT_EQ(refusal({fs}).substr(0, 62), "unsupported: devices[0].device: the QEMU driver does not know ");
}

TEST(PlanVfio, TakesWhatTheMachineTakes) {
  VfioConfig vfio;
  vfio.id = "h";
  vfio.host = "01:00.0";
  EXPECT_EQ(values(plan_of("amd64", with({vfio})), "-device", "vfio"), Lines{"vfio-pci,id=h,host=01:00.0"});
  EXPECT_EQ(refusal({vfio}, "microvm"),
            "unsupported: devices[0]: machine microvm takes no devices of the host; leave it out");
  EXPECT_EQ(refusal({vfio}, "s390-ccw-virtio", "s390x"),
            "unsupported: devices[0].host: machine s390-ccw-virtio takes devices of the host by their sysfs_path; "
            "give that");
  vfio.host = "nonsense";
  EXPECT_EQ(refusal({vfio}).substr(0, 15), "invalid_config:");
}

TEST(PlanVfio, AnApMatrixIsKnownByWhereItsFolderIs) {
  const test::TemporaryFolder folder;
  const auto root = folder.path().string();
  const std::filesystem::path matrix = root + "/devices/vfio_ap/matrix/1";
  const std::filesystem::path css = root + "/devices/css0/0.0.1/2";
  std::filesystem::create_directories(matrix);
  std::filesystem::create_directories(css);
  std::filesystem::create_directory_symlink(matrix, root + "/1");
  std::filesystem::create_directory_symlink(css, root + "/2");
  const auto device_of = [&](const std::string& path) {
    VfioConfig vfio;
    vfio.id = "h";
    vfio.sysfs_path = path;
    auto config = base("s390-ccw-virtio");
    config.devices = {vfio};
    const auto caps = default_qemu_caps();
    const auto& arch = test::arch_of("s390x");
    const auto plan =
        make_plan({config, arch, {}, caps, Accelerator::tcg, "vm", "/run/vm", "", {{path, inspect_device(path)}}});
    return values(plan, "-device", "vfio").at(0).substr(0, 8);
  };
  EXPECT_EQ(device_of(root + "/1"), "vfio-ap,");
  EXPECT_EQ(device_of(root + "/2"), "vfio-ccw");
  EXPECT_EQ(device_of(matrix), "vfio-ap,");
  EXPECT_EQ(device_of("/sys/devices/vfio_ap/matrix/not-there"), "vfio-ap,");
}

TEST(PlanVsock, HasTheAddressThatItIsGiven) {
  VsockConfig vsock;
  vsock.id = "v";
  vsock.cid = 2;
  EXPECT_EQ(refusal({vsock}).substr(0, 15), "invalid_config:");
  vsock.cid = 3;
  EXPECT_EQ(values(plan_of("amd64", with({vsock})), "-device", "vhost"),
            Lines{"vhost-vsock-pci,id=v,guest-cid=3,vhostfd=7"});
}

TEST(PlanWatchdog, IsThereOnceAndOnMachinesThatHaveOne) {
  WatchdogConfig first;
  WatchdogConfig second;
  second.id = "w";
  EXPECT_EQ(refusal({first, second}), "invalid_config: devices[1]: a VM has at most one watchdog; leave one out");
  second.action = WatchdogAction::none;
  const auto plan = plan_of("s390x", [&] {
    auto config = base("s390-ccw-virtio");
    config.devices = {second};
    return config;
  }());
  EXPECT_EQ(values(plan, "-device", "diag288"), Lines{"diag288,id=w"});
  EXPECT_EQ(values(plan, "-action"), Lines{"reboot=shutdown,shutdown=poweroff,panic=shutdown,watchdog=none"});
  EXPECT_EQ(refusal({second}, "microvm"), "unsupported: devices[0]: machine microvm has no watchdog; leave it out");
}

TEST(PlanPanic, IsRefusedWhereThereIsNoDeviceForIt) {
  PanicConfig panic;
  panic.id = "p";
  EXPECT_EQ(refusal({panic}, "pc"), "accepted");
  EXPECT_EQ(refusal({panic}, "microvm"), "unsupported: devices[0]: machine microvm has no device that tells of panics");
  EXPECT_EQ(refusal({panic}, "pseries", "ppc64le"),
            "unsupported: devices[0]: machine pseries tells of panics without a device; leave it out");
}

TEST(PlanFwCfg, HasRoomForAFew) {
  std::vector<DeviceConfig> blobs;
  for (int i = 0; i < 11; ++i) {
    FwCfgConfig blob;
    blob.id = "b" + std::to_string(i);
    blob.name = "opt/visor/" + blob.id;
    blob.text = "x";
    blobs.emplace_back(blob);
  }
  EXPECT_EQ(refusal(blobs), "unsupported: devices[10]: a VM has at most 10 fw_cfg blobs; put several into one");
  blobs.pop_back();
  EXPECT_EQ(refusal(blobs), "accepted");
}

TEST(PlanFwCfg, IsRefusedWhereTheMachineHasNone) {
  FwCfgConfig blob;
  blob.id = "f";
  blob.name = "opt/x";
  blob.text = "t";
  EXPECT_EQ(values(plan_of("amd64", with({blob})), "-fw_cfg"), Lines{"name=opt/x,string=t"});
  EXPECT_EQ(refusal({blob}, "pseries", "ppc64le"),
            "unsupported: devices[0]: machine pseries has no firmware configuration device");
  blob.name = "etc/system-states";
  EXPECT_EQ(refusal({blob}).substr(0, 15), "invalid_config:");
}

TEST(PlanIommu, StandsBeforeAllOtherDevicesAndTellsTheKernel) {
  IommuConfig iommu;
  iommu.id = "i";
  iommu.device_iotlb = false;
  const auto plan = plan_of("amd64", with({NicConfig{}, iommu}));
  EXPECT_EQ(values(plan, "-device").front(), "intel-iommu,id=i,intremap=on,caching-mode=on");
  EXPECT_NE(values(plan, "-append").front().find("intel_iommu=on"), std::string::npos);
  for (const auto& argument : plan.line.arguments()) {
    if (!argument.value.starts_with("intel-iommu")) continue;
    EXPECT_EQ(argument.reason, "devices[1]");
  }
  EXPECT_EQ(refusal({iommu}, "pc"),
            "unsupported: machine.type pc: it has no IOMMU\ndevices[0]: machine pc has no IOMMU; leave it out");
  auto by_field = base("q35");
  by_field.machine.iommu = true;
  by_field.machine.iommu_platform = true;
  RngConfig rng;
  rng.id = "r";
  by_field.devices = {rng};
  const auto with_ats = values(plan_of("amd64", by_field), "-device", "virtio-rng");
  EXPECT_EQ(with_ats, Lines{"virtio-rng-pci,id=r,rng=r-source,disable-legacy=on,iommu_platform=on,ats=on"});
  by_field.devices = {rng, iommu};
  const auto without = values(plan_of("amd64", by_field), "-device", "virtio-rng");
  EXPECT_EQ(without, Lines{"virtio-rng-pci,id=r,rng=r-source,disable-legacy=on,iommu_platform=on"})
      << "no device_iotlb";
  by_field.devices = {};
  by_field.machine.iommu_platform = false;
  EXPECT_EQ(values(plan_of("amd64", by_field), "-device").front(),
            "intel-iommu,id=visor-iommu,intremap=on,device-iotlb=on,caching-mode=on");
}

TEST(PlanRaw, IsPassedOnAndMarksTheVm) {
  RawDeviceConfig raw;
  raw.id = "r";
  raw.driver = "virtio-rng-pci";
  raw.properties = Value::map({{"a", true}, {"b", -1}, {"c", "x,y"}, {"d", std::uint64_t{1} << 63U}});
  const auto plan = plan_of("amd64", with({raw}));
  EXPECT_TRUE(plan.customised);
  EXPECT_EQ(values(plan, "-device", "virtio-rng"), Lines{"virtio-rng-pci,id=r,a=on,b=-1,c=x,,y,d=9223372036854775808"});
  EXPECT_FALSE(plan_of("amd64", with({NicConfig{}})).customised);
}

TEST(PlanRaw, CannotSayMoreThanItSays) {
  RawDeviceConfig raw;
  raw.id = "r";
  raw.driver = "virtio-rng-pci";
  for (const auto* key : {"id", "driver", "", "a=b", "a,b", "a b"}) {
    raw.properties = Value::map({{key, "x"}});
    EXPECT_EQ(refusal({raw}).substr(0, 37), "invalid_config: devices[0].properties") << key;
  }
  for (const auto& value : {Value{}, Value::list({1}), Value::map({{"x", 1}}), Value{1.5}, Value{"a\nb"}}) {
    raw.properties = Value::map({{"p", value}});
    EXPECT_EQ(refusal({raw}).substr(0, 15), "invalid_config:");
  }
  raw.properties = {};
  raw.driver = "virtio-rng-pci,id=x";
  EXPECT_EQ(refusal({raw}), "invalid_config: devices[0].driver: 'virtio-rng-pci,id=x' is no name of a QEMU device");
}

TEST(PlanDevices, EachNamesTheLineOfTheConfigurationThatAskedForIt) {
  NicConfig nic;
  ShareConfig share;
  share.path = "/srv";
  share.tag = "t";
  const auto plan = plan_of("amd64", with({nic, share}));
  Lines reasons;
  for (const auto& argument : plan.line.arguments()) {
    if (argument.reason.starts_with("devices[")) reasons.push_back(argument.option + " " + argument.reason);
  }
  EXPECT_EQ(reasons, (Lines{"-netdev devices[0]", "-device devices[0]", "-fsdev devices[1]", "-device devices[1]"}));
}

}  // namespace
}  // namespace visor::sdk::plan

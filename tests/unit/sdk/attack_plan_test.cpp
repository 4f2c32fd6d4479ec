// SPDX-License-Identifier: Apache-2.0
// Configured texts that would add options of their own, where they would land: each stays the one value that it is.
#include "plan_support.hpp"

#include <gtest/gtest.h>

namespace visor::sdk::plan {
namespace {

TEST(PlanAttack, APathGivesAnotherFileToTheGuest) {
  const DiskConfig disk{.id = "d", .path = "/d.raw,file.filename=/etc/passwd,read-only=on"};
  EXPECT_EQ(values(plan_of("amd64", with({disk})), "-blockdev"),
            Lines{"driver=raw,node-name=node-d,read-only=off,file.driver=file,file.filename=/d.raw,,"
                  "file.filename=/etc/passwd,,read-only=on,file.aio=threads"});
}

TEST(PlanAttack, AFolderSharesAnotherOne) {
  const ShareConfig share{.id = "s", .path = "/sh,path=/etc", .tag = "t"};
  EXPECT_EQ(values(plan_of("amd64", with({share})), "-fsdev"),
            Lines{"local,id=s-fs,path=/sh,,path=/etc,security_model=none,multidevs=remap"});
}

TEST(PlanAttack, ASocketWritesAFileOfTheHost) {
  const VhostUserConfig served{.id = "v", .socket = "/s,logfile=/x,logappend=on"};
  EXPECT_EQ(values(plan_of("amd64", with({served})), "-chardev", "socket,id=v-"),
            Lines{"socket,id=v-chardev,path=/s,,logfile=/x,,logappend=on"});
  // QEMU gets that of a port as a descriptor.
  const SerialPortConfig port{.id = "p", .name = "n", .socket = "/s,logfile=/x"};
  const auto plan = plan_of("amd64", with({port}));
  EXPECT_EQ(plan.ports.at(0).path, "/s,logfile=/x");
  for (const auto& argument : plan.line.arguments()) {
    EXPECT_EQ(argument.value.find("logfile"), std::string::npos) << argument.value;
  }
}

TEST(PlanAttack, ANameHidesTheProcess) {
  auto config = base("q35");
  config.name = "vm,process=systemd-fake";
  EXPECT_EQ(values(plan_of("amd64", config), "-name"),
            Lines{"guest=vm,,process=systemd-fake,process=qemu:vm0,debug-threads=on"});
}

TEST(PlanAttack, ATagShowsAFileOfTheHostAsRom) {
  const ShareConfig share{.id = "s", .path = "/sh", .tag = "t,romfile=/etc/passwd,rombar=1"};
  EXPECT_EQ(values(plan_of("amd64", with({share})), "-device", "virtio-9p"),
            Lines{"virtio-9p-pci,id=s,fsdev=s-fs,mount_tag=t,,romfile=/etc/passwd,,rombar=1"});
}

TEST(PlanAttack, AnOptionOfTheMachineIsOneOption) {
  for (const auto* option : {"a,accel=kvm", ",accel=kvm", "a b=c", "=kvm", "type=pc"}) {
    EXPECT_EQ(refusal_of("amd64", "q35", [&](auto& c) { c.machine.options = {option}; }).substr(0, 15),
              "invalid_config:")
        << option;
  }
  auto config = base("q35");
  config.machine.options = {"x-oem-id=a,accel=kvm"};
  EXPECT_EQ(values(plan_of("amd64", config), "-machine"), Lines{"q35,accel=tcg,x-oem-id=a,,accel=kvm"});
}

TEST(PlanAttack, AFeatureOfTheProcessorIsOneFeature) {
  for (const auto* word : {"a,vmx=on", "a vmx=on", ","}) {
    const auto model = refusal_of("amd64", "q35", [&](auto& c) { c.cpu.model = word; });
    EXPECT_EQ(model.substr(0, 15), "invalid_config:") << word;
    EXPECT_NE(model.find("cpu.model"), std::string::npos) << model;
    const auto feature = refusal_of("amd64", "q35", [&](auto& c) { c.cpu.features = {"+ok", word}; });
    EXPECT_EQ(feature.substr(0, 15), "invalid_config:") << word;
    EXPECT_NE(feature.find("cpu.features"), std::string::npos) << feature;
  }
}

TEST(PlanAttack, APathIsNoProtocol) {
  for (const auto* path : {"nbd:host:1", "json:{}", "a:b", "-drive", "fd:3"}) {
    EXPECT_EQ(refusal({DiskConfig{.id = "d", .path = path}}).substr(0, 15), "invalid_config:") << path;
  }
}

}  // namespace
}  // namespace visor::sdk::plan

// SPDX-License-Identifier: Apache-2.0
// What a plan refuses, and what every plan has.
#include "plan_support.hpp"
#include "visor/core/error.hpp"

#include <gtest/gtest.h>

namespace visor::sdk::plan {
namespace {

std::string error_of(const std::function<void(VmConfig&)>& change) { return refusal_of("amd64", "q35", change); }

TEST(PlanRefuses, WhatCannotBe) {
  const auto begins = [](const std::string& text, const std::string& with) {
    EXPECT_EQ(text.substr(0, with.size()), with);
  };
  begins(error_of([](auto& c) { c.machine.type = "q36"; }), "invalid_config: machine.type: unknown machine 'q36'");
  begins(error_of([](auto& c) { c.machine.type = "pc-lite"; }), "unsupported: machine.type: 'pc-lite' does not exist");
  begins(error_of([](auto& c) { c.cpu.count = 241; }), "invalid_config: machine.type q35: at most 240 vCPUs");
  begins(error_of([](auto& c) { c.cpu.model = "host"; }), "unsupported: cpu.model: 'host' needs KVM");
  begins(error_of([](auto& c) {
           c.machine.type = "microvm";
           c.memory.max_size_mib = 1024;
         }),
         "unsupported: machine.type microvm: memory cannot be plugged");
  begins(error_of([](auto& c) {
           c.machine.type = "microvm";
           c.boot.image_attachment = ImageAttachment::nvdimm;
         }),
         "unsupported: machine.type microvm: boot.image_attachment nvdimm");
  begins(error_of([](auto& c) { c.memory.virtio_mem = true; }),
         "invalid_config: memory.virtio_mem: there is nothing to resize");
  begins(error_of([](auto& c) { c.vm_template.to_be = true; }), "invalid_config: template.state_path: Missing");
  begins(error_of([](auto& c) {
           RngConfig rng;
           rng.id = "visor-x";
           c.devices = {rng};
         }),
         "invalid_config: devices[0].id: 'visor-x' is reserved");
  begins(error_of([](auto& c) {
           RngConfig rng;
           rng.id = "r";
           c.devices = {rng, rng};
         }),
         "invalid_config: devices[1].id: 'r' is used twice");
  begins(error_of([](auto& c) { c.boot.kernel_params = {{"a", "b\nc"}}; }), "invalid_config");
}

TEST(PlanRefuses, AnImageAmongDisksThatTheGuestNumbersAsItLikes) {
  const auto use = [](VmConfig& config) {
    config.boot.initrd.clear();
    config.boot.image = "/i/root.img";
    DiskConfig disk;
    disk.path = "/dev/sdz";
    config.devices = {disk};
  };
  EXPECT_EQ(refusal_of("s390x", "s390-ccw-virtio", use),
            "unsupported: boot.image: guests of this architecture number their disks in no certain order, so that "
            "/dev/vda may be one of `devices`; leave those out, or name the root in boot.kernel_params "
            "(root=PARTUUID=…)");
  EXPECT_EQ(refusal_of("s390x", "s390-ccw-virtio",
                       [&](auto& c) {
                         use(c);
                         c.boot.kernel_params = {{"root", "PARTUUID=1-01"}};
                       }),
            "accepted");
  EXPECT_EQ(refusal_of("s390x", "s390-ccw-virtio",
                       [&](auto& c) {
                         use(c);
                         c.devices.clear();
                       }),
            "accepted");
  EXPECT_EQ(refusal_of("ppc64le", "pseries", use), "accepted");
}

TEST(PlanRefuses, FieldsItDoesNotActOn) {
  struct Ignored {
    const char* field;
    void (*set)(VmConfig&);
  };
  for (const auto& [field, set] : std::initializer_list<Ignored>{
           {"network.vhost_user_store", [](auto& c) { c.network.vhost_user_store = true; }},
           {"host.jailer_path", [](auto& c) { c.host.jailer_path = "/usr/bin/jailer"; }},
           {"host.enabled_annotations", [](auto& c) { c.host.enabled_annotations = {"x"}; }}}) {
    EXPECT_EQ(error_of(set), std::string{"unsupported: "} + field +
                                 ": this version of the QEMU driver does not act on it; leave it out");
  }
}

TEST(PlanRefuses, NoFieldThatNormalisingFillsIn) {
  const auto filled = normalised(base("q35"), {.max_vcpus = 4, .block_driver = default_disks, .bridges = 0});
  ASSERT_NE(filled.memory.slots, 0U);
  EXPECT_EQ(plan_of("amd64", filled).line.argv("qemu"), plan_of("amd64", base("q35")).line.argv("qemu"));
}

TEST(PlanRefuses, ADeviceThatThisQemuLacks) {
  try {
    (void)plan_of("amd64", base("q35"), Accelerator::tcg,
                  {.version = {7, 2, 0}, .devices = {"virtio-blk-pci"}, .binary = "/q"});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.message(),
              "without it a panic looks like a reset: QEMU 7.2.0 at /q has no device 'pvpanic'; it has "
              "virtio-blk-pci");
  }
}

TEST(Plan, EachListenerHasADescriptorOfItsOwnAndAPath) {
  auto config = base("q35");
  SerialPortConfig port;
  port.id = "p";
  port.name = "agent";
  config.devices = {port};
  const auto plan = plan_of("amd64", config);
  EXPECT_EQ(plan.owner.fd, 3);
  EXPECT_EQ(plan.observer.fd, 4);
  EXPECT_EQ(plan.keeper.fd, 5);
  EXPECT_EQ(plan.console.fd, 6);
  ASSERT_EQ(plan.ports.size(), 1U);
  EXPECT_EQ(plan.ports[0].fd, 7);
  EXPECT_EQ(plan.ports[0].path, "/run/vm0/port-p.sock");
}

TEST(Plan, EveryArgumentHasASectionAndAReason) {
  const auto plan = plan_of("amd64", base("q35"));
  for (const auto& argument : plan.line.arguments()) {
    EXPECT_FALSE(argument.section.empty()) << argument.option;
    EXPECT_FALSE(argument.reason.empty()) << argument.option;
  }
}

TEST(Plan, AFolderOfTheMemoryThatIsTooLongIsNamed) {
  const auto refused = refusal_of("amd64", "q35", [](auto& c) { c.memory.backing_dir = "/" + std::string(4096, 'x'); });
  EXPECT_EQ(refused.substr(0, 36), "invalid_config: memory.backing_dir: ") << refused;
}

TEST(Plan, AKernelParameterThatCannotBeWrittenIsNamed) {
  const auto refused = refusal_of("amd64", "q35", [](auto& c) { c.boot.kernel_params = {{"a", "\"b c\""}}; });
  EXPECT_EQ(refused.substr(0, 36), "invalid_config: boot.kernel_params: ") << refused;
}

}  // namespace
}  // namespace visor::sdk::plan

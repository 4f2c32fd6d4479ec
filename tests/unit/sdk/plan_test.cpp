// SPDX-License-Identifier: Apache-2.0
// Whole command lines against golden files; VISOR_UPDATE_GOLDEN=1 rewrites them for review.
#include "qemu/plan/plan.hpp"
#include "qemu-amd64/amd64_arch.hpp"
#include "qemu/prepared.hpp"
#include "visor/core/error.hpp"
#include "visor/core/file.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <ostream>
#include <string>

namespace visor::sdk::plan {
namespace {

VmConfig base(const std::string& machine) {
  VmConfig config;
  config.machine.type = machine;
  config.cpu.count = 2;
  config.cpu.max_count = 4;
  config.memory.size_mib = 512;
  config.boot.kernel = "/k/vmlinuz";
  config.boot.initrd = "/k/initrd";
  config.boot.image_attachment = ImageAttachment::block;
  return config;
}

struct Case {
  std::string name;
  std::string machine = "q35";
  Accelerator accelerator = Accelerator::tcg;
  std::function<void(VmConfig&)> change = [](VmConfig&) {};
};

void PrintTo(const Case& scenario, std::ostream* out) { *out << scenario.name; }

Plan plan_of(const VmConfig& config, Accelerator accelerator = Accelerator::tcg,
             const QemuCaps& caps = default_qemu_caps()) {
  static const amd64::Amd64Arch arch;
  static const HostFacts host{.arch = "amd64", .memory_mib = 8192, .cpus = 4, .cpu_khz = 2'000'000, .kvm = true};
  const std::map<std::string, FileFacts> files = {{"/i/root.img", {.size_bytes = 64U << 20U}},
                                                  {"/i/dax.img", {.size_bytes = 66U << 20U, .dax_header = true}},
                                                  {"/dev/sdz", {.size_bytes = 1U << 20U, .block_device = true}}};
  const auto chosen = with_choices_made(arch, {config, accelerator, host, caps}, files);
  return make_plan(
      {chosen, arch, host, caps, accelerator, "vm0", "/run/vm0", "11111111-2222-4333-8444-555555555555", files});
}

class Golden : public ::testing::TestWithParam<Case> {};

TEST_P(Golden, CommandLine) {
  auto config = base(GetParam().machine);
  GetParam().change(config);
  std::string text;
  for (const auto& argument : plan_of(config, GetParam().accelerator).line.argv("qemu-system-x86_64"))
    text += argument + "\n";
  const auto file = std::filesystem::path{VISOR_TEST_GOLDEN_DIR} / "amd64" / (GetParam().name + ".argv");
  if (std::getenv("VISOR_UPDATE_GOLDEN") != nullptr) {
    std::filesystem::create_directories(file.parent_path());
    write_file_atomically(file, text);
    std::filesystem::permissions(file, static_cast<std::filesystem::perms>(0644));
  }
  EXPECT_EQ(text, read_file(file)) << "VISOR_UPDATE_GOLDEN=1 rewrites " << file;
}

void use_image(VmConfig& config, const std::string& image) {
  config.boot.initrd.clear();
  config.boot.image = image;
  config.boot.early_initrd = "/k/early";
  config.boot.image_attachment = ImageAttachment::automatic;
}

const Case cases[] = {
    {.name = "q35-initrd"},
    {.name = "pc-initrd", .machine = "pc"},
    {.name = "microvm-initrd", .machine = "microvm"},
    {.name = "q35-kvm", .accelerator = Accelerator::kvm},
    {.name = "q35-image-block", .change = [](auto& c) { use_image(c, "/i/root.img"); }},
    {.name = "q35-image-dax", .change = [](auto& c) { use_image(c, "/i/dax.img"); }},
    {.name = "pc-image-dax", .machine = "pc", .change = [](auto& c) { use_image(c, "/i/dax.img"); }},
    {.name = "microvm-image-whole-disk",
     .machine = "microvm",
     .change =
         [](auto& c) {
           use_image(c, "/i/root.img");
           c.boot.root_partition = 0;
           c.boot.root_fs_type = "xfs";
         }},
    {.name = "q35-devices",
     .change =
         [](auto& c) {
           DiskConfig disk;
           disk.path = "/dev/sdz";
           disk.serial = "a,b";
           SerialPortConfig port;
           port.name = "agent";
           c.devices = {disk, port, RngConfig{}, PanicConfig{}};
         }},
    {.name = "q35-virtio-console-debug",
     .change =
         [](auto& c) {
           c.console.type = ConsoleType::virtio;
           c.debug = true;
           c.boot.kernel_params = {{"user", "last"}, {"quoted", "two words"}};
         }},
    {.name = "q35-no-console", .change = [](auto& c) { c.console.type = ConsoleType::none; }},
    {.name = "q35-policies-no-sandbox",
     .change =
         [](auto& c) {
           c.policy = {RebootPolicy::reset, PanicPolicy::pause, ShutdownPolicy::pause};
           c.host.sandbox = false;
           c.name = "a,b";
         }},
    {.name = "q35-cpu-memory",
     .change =
         [](auto& c) {
           c.cpu.model = "qemu64";
           c.cpu.features = {"-svm", "+x2apic"};
           c.memory.max_size_mib = 4096;
           c.memory.slots = 3;
           c.memory.offset_mib = 16;
         }},
    {.name = "q35-firmware-user-params",
     .change =
         [](auto& c) {
           c.boot.firmware = "/f/bios.bin";
           c.boot.pflash = {"/f/code,1.fd", "/f/vars.fd"};
           c.machine.options = {"smm=off"};
           c.host.hypervisor_params = {{"boot", "strict=on"}, {"no-hpet", ""}};
         }},
};

INSTANTIATE_TEST_SUITE_P(Amd64, Golden, ::testing::ValuesIn(cases), [](const auto& scenario) {
  auto name = scenario.param.name;
  for (auto& c : name) c = c == '-' ? '_' : c;
  return name;
});

std::string error_of(const std::function<void(VmConfig&)>& change) {
  auto config = base("q35");
  change(config);
  try {
    (void)plan_of(config);
  } catch (const Error& error) {
    return std::string{to_string(error.code())} + ": " + error.message();
  }
  return "accepted";
}

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
  begins(error_of([](auto& c) { c.devices = {NicConfig{}}; }), "unsupported: Device 'nic0': this version");
  begins(error_of([](auto& c) { c.memory.huge_pages = true; }), "unsupported: memory.huge_pages");
  begins(error_of([](auto& c) { c.vm_template.to_be = true; }), "unsupported: template");
  begins(error_of([](auto& c) {
           RngConfig rng;
           rng.id = "visor-x";
           c.devices = {rng};
         }),
         "invalid_config: devices: the id 'visor-x' is reserved");
  begins(error_of([](auto& c) {
           RngConfig rng;
           rng.id = "r";
           c.devices = {rng, rng};
         }),
         "invalid_config: devices: the id 'r' is used twice");
  begins(error_of([](auto& c) { c.boot.kernel_params = {{"a", "b\nc"}}; }), "invalid_config");
}

TEST(PlanRefuses, FieldsItDoesNotActOn) {
  struct Ignored {
    const char* field;
    void (*set)(VmConfig&);
  };
  for (const auto& [field, set] : std::initializer_list<Ignored>{
           {"machine.iommu", [](auto& c) { c.machine.iommu = true; }},
           {"machine.bridges", [](auto& c) { c.machine.bridges = 5; }},
           {"machine.nesting_checks", [](auto& c) { c.machine.nesting_checks = false; }},
           {"storage.driver", [](auto& c) { c.storage.driver = BlockDriver::virtio_scsi; }},
           {"shared_fs.msize_9p_bytes", [](auto& c) { c.shared_fs.msize_9p_bytes = 65536; }},
           {"network.vhost", [](auto& c) { c.network.vhost = false; }},
           {"host.entropy_source", [](auto& c) { c.host.entropy_source = "/dev/random"; }},
           {"host.enabled_annotations", [](auto& c) { c.host.enabled_annotations = {"x"}; }}}) {
    EXPECT_EQ(error_of(set), std::string{"unsupported: "} + field +
                                 ": this version of the QEMU driver does not act on it; leave it out");
  }
}

TEST(PlanRefuses, NoFieldThatNormalisingFillsIn) {
  const auto filled = normalised(base("q35"), {.max_vcpus = 4, .block_driver = default_disks});
  ASSERT_NE(filled.machine.bridges, 0U);
  EXPECT_EQ(plan_of(filled).line.argv("qemu"), plan_of(base("q35")).line.argv("qemu"));
}

TEST(PlanRefuses, ADeviceThatThisQemuLacks) {
  try {
    (void)plan_of(base("q35"), Accelerator::tcg, {.version = {7, 2, 0}, .devices = {"virtio-blk-pci"}});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "without it a panic looks like a reset: QEMU 7.2 has no device 'pvpanic'");
  }
}

TEST(Plan, EachListenerHasADescriptorOfItsOwnAndAPath) {
  auto config = base("q35");
  SerialPortConfig port;
  port.id = "p";
  port.name = "agent";
  config.devices = {port};
  const auto plan = plan_of(config);
  EXPECT_EQ(plan.owner.fd, 3);
  EXPECT_EQ(plan.observer.fd, 4);
  EXPECT_EQ(plan.keeper.fd, 5);
  EXPECT_EQ(plan.console.fd, 6);
  ASSERT_EQ(plan.ports.size(), 1U);
  EXPECT_EQ(plan.ports[0].fd, 7);
  EXPECT_EQ(plan.ports[0].path, "/run/vm0/port-p.sock");
}

TEST(Plan, EveryArgumentHasASectionAndAReason) {
  const auto plan = plan_of(base("q35"));
  for (const auto& argument : plan.line.arguments()) {
    EXPECT_FALSE(argument.section.empty()) << argument.option;
    EXPECT_FALSE(argument.reason.empty()) << argument.option;
  }
}

}  // namespace
}  // namespace visor::sdk::plan

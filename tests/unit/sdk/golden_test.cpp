// SPDX-License-Identifier: Apache-2.0
// Whole command lines against golden files; VISOR_UPDATE_GOLDEN=1 rewrites them for review. Real QEMUs take them too:
// tests/e2e/qemu/test_golden.py.
#include "golden_cases.hpp"
#include "plan_support.hpp"
#include "visor/core/file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <ostream>
#include <utility>

namespace visor::sdk::plan {

static void PrintTo(const Case& scenario, std::ostream* out) { *out << scenario.arch << '/' << scenario.name; }

namespace {

class Golden : public ::testing::TestWithParam<Case> {};

TEST_P(Golden, CommandLine) {
  const auto& scenario = GetParam();
  auto config = base(scenario.machine);
  scenario.change(config);
  std::string text;
  const auto plan = plan_of(scenario.arch, config, scenario.accelerator);
  for (const auto& argument : plan.line.argv(test::arch_of(scenario.arch).binary())) text += argument + "\n";
  const auto file = std::filesystem::path{VISOR_TEST_GOLDEN_DIR} / scenario.arch / (scenario.name + ".argv");
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

const Case amd64_cases[] = {
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

void add_devices(VmConfig& config) {
  DiskConfig disk;
  disk.path = "/dev/sdz";
  disk.serial = "a,b";
  SerialPortConfig port;
  port.name = "agent";
  config.devices = {disk, port, RngConfig{}};
}

/// The scenarios of amd64 that do not depend on the machine, on another architecture.
std::vector<Case> cases_of(const std::string& arch, const std::string& machine) {
  std::vector<Case> cases;
  const auto add = [&](const std::string& name, const std::function<void(VmConfig&)>& change,
                       Accelerator accelerator = Accelerator::tcg) {
    cases.push_back({machine + name, machine, accelerator, change, arch});
  };
  add("-initrd", [](auto&) {});
  add("-kvm", [](auto&) {}, Accelerator::kvm);
  add("-image-block", [](auto& c) { use_image(c, "/i/root.img"); });
  add("-image-dax", [](auto& c) { use_image(c, "/i/dax.img"); });
  add("-image-whole-disk", [](auto& c) {
    use_image(c, "/i/root.img");
    c.boot.root_partition = 0;
    c.boot.root_fs_type = "xfs";
  });
  add("-devices", add_devices);
  add("-virtio-console-debug", [](auto& c) {
    c.console.type = ConsoleType::virtio;
    c.debug = true;
    c.boot.kernel_params = {{"user", "last"}, {"quoted", "two words"}};
  });
  add("-no-console", [](auto& c) { c.console.type = ConsoleType::none; });
  add("-policies-no-sandbox", [](auto& c) {
    c.policy = {RebootPolicy::reset, PanicPolicy::pause, ShutdownPolicy::pause};
    c.host.sandbox = false;
    c.name = "a,b";
  });
  return cases;
}

std::vector<Case> arm64_cases() {
  auto cases = cases_of("arm64", "virt");
  const auto add = [&](const std::string& name, const std::function<void(VmConfig&)>& change) {
    cases.push_back({"virt-" + name, "virt", Accelerator::tcg, change, "arm64"});
  };
  add("panic-device", [](auto& c) { c.devices = {PanicConfig{}}; });
  add("image-nvdimm", [](auto& c) {
    use_image(c, "/i/root.img");
    c.boot.image_attachment = ImageAttachment::nvdimm;
    c.boot.pflash = {"/f/code,1.fd", "/f/vars.fd"};
  });
  add("cpu-memory-firmware", [](auto& c) {
    c.cpu.model = "max";
    c.cpu.features = {"pauth-impdef=on"};
    c.memory.max_size_mib = 4096;
    c.memory.slots = 3;
    c.memory.offset_mib = 16;
    c.boot.firmware = "/f/bios.bin";
  });
  add("user-params", [](auto& c) {
    c.machine.options = {"gic-version=2"};
    c.host.hypervisor_params = {{"boot", "strict=on"}, {"only-migratable", ""}};
  });
  return cases;
}

std::vector<Case> ppc64le_cases() {
  auto cases = cases_of("ppc64le", "pseries");
  const auto add = [&](const std::string& name, const std::function<void(VmConfig&)>& change) {
    cases.push_back({"pseries-" + name, "pseries", Accelerator::tcg, change, "ppc64le"});
  };
  add("cpu-memory", [](auto& c) {
    c.cpu.model = "power8";
    c.memory.size_mib = 700;
    c.memory.max_size_mib = 4000;
    c.memory.slots = 3;
    c.memory.offset_mib = 16;
  });
  add("firmware-user-params", [](auto& c) {
    c.boot.firmware = "/f/bios.bin";
    c.machine.options = {"cap-htm=off"};
    c.host.hypervisor_params = {{"boot", "strict=on"}, {"only-migratable", ""}};
  });
  return cases;
}

std::vector<Case> s390x_cases() {
  auto cases = cases_of("s390x", "s390-ccw-virtio");
  const auto add = [&](const std::string& name, const std::function<void(VmConfig&)>& change) {
    cases.push_back({"s390-ccw-virtio-" + name, "s390-ccw-virtio", Accelerator::tcg, change, "s390x"});
  };
  add("cpu", [](auto& c) {
    c.cpu.model = "max";
    c.cpu.features = {"vx=off", "vxeh=off"};
  });
  add("firmware-user-params", [](auto& c) {
    c.boot.firmware = "/f/bios.bin";
    c.machine.options = {"aes-key-wrap=off"};
    c.host.hypervisor_params = {{"boot", "strict=on"}, {"only-migratable", ""}};
  });
  return cases;
}

const auto name_of = [](const auto& scenario) {
  auto name = scenario.param.name;
  std::ranges::replace(name, '-', '_');
  return name;
};

INSTANTIATE_TEST_SUITE_P(Amd64, Golden, ::testing::ValuesIn(amd64_cases), name_of);
INSTANTIATE_TEST_SUITE_P(Arm64, Golden, ::testing::ValuesIn(arm64_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Ppc64le, Golden, ::testing::ValuesIn(ppc64le_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(S390x, Golden, ::testing::ValuesIn(s390x_cases()), name_of);

std::vector<Case> all_device_cases() {
  std::vector<Case> all;
  for (const auto& [arch, machine] :
       std::initializer_list<std::pair<const char*, const char*>>{{"amd64", "q35"},
                                                                  {"amd64", "pc"},
                                                                  {"amd64", "microvm"},
                                                                  {"arm64", "virt"},
                                                                  {"ppc64le", "pseries"},
                                                                  {"s390x", "s390-ccw-virtio"}}) {
    for (auto& scenario : device_cases(arch, machine)) all.push_back(std::move(scenario));
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Devices, Golden, ::testing::ValuesIn(all_device_cases()), name_of);

}  // namespace
}  // namespace visor::sdk::plan

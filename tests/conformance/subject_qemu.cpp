// SPDX-License-Identifier: Apache-2.0
#include "subject.hpp"
#include "visor/core/error.hpp"
#include "visor/core/params.hpp"

#include <array>
#include <cctype>
#include <csignal>
#include <cstdlib>

namespace visor::conformance {
namespace {

/// What differs between the architectures, for this suite.
struct Arch {
  std::string name;
  std::string program;
  std::string machine;
  std::string option;  // of the machine: what makes it start faster, or empty
  bool memory_hotplug;
  bool root_ports = false;                   // four, as nobody says otherwise
  bool pci_by_tool = false;                  // a guest hears of PCI devices by a program
  ExitCause panic = ExitCause::guest_panic;  // what a panic of its guest looks like
};

const Arch archs[] = {
    {.name = "amd64",
     .program = "qemu-system-x86_64",
     .machine = "q35",
     .option = "",
     .memory_hotplug = true,
     .root_ports = true},
    {.name = "arm64",
     .program = "qemu-system-aarch64",
     .machine = "virt",
     .option = "",
     .memory_hotplug = true,
     .root_ports = true,
     .panic = ExitCause::guest_reset},  // Debian's kernel has no driver for the panic device
    {.name = "ppc64le",
     .program = "qemu-system-ppc64",
     .machine = "pseries",
     .option = "x-vof=on",
     .memory_hotplug = true,
     .pci_by_tool = true},
    {.name = "s390x",
     .program = "qemu-system-s390x",
     .machine = "s390-ccw-virtio",
     .option = "",
     .memory_hotplug = false},
};

std::string guest_variable(const Arch& arch) {
  std::string name = "VISOR_GUEST_";
  for (const char c : arch.name) name += static_cast<char>(std::toupper(c));
  return name;
}

/// The folder of the guest that scripts/guest/build makes; tests/e2e/qemu/run sets it.
std::string guest_dir(const Arch& arch) {
  const char* folder = std::getenv(guest_variable(arch).c_str());
  return folder != nullptr ? folder : "";
}

std::function<void(VmConfig&)> with_kernel_param(std::string key) {
  return [key = std::move(key)](VmConfig& config) { add_param(config.boot.kernel_params, key, "0"); };
}

void kill_hypervisor(Vm& vm) { ::kill(vm.record().hypervisor.pid, SIGKILL); }

void add_agent(VmConfig& config) {
  SerialPortConfig port;
  port.id = "agent";
  port.name = "agent";
  config.devices.emplace_back(port);
  config.ready.port = "agent";
}

VmConfig base_config(const Arch& arch) {
  VmConfig config;
  config.hypervisor = "qemu-" + arch.name;
  config.machine.type = arch.machine;
  config.machine.accelerator = Accelerator::tcg;
  if (!arch.option.empty()) config.machine.options = {arch.option};
  config.cpu.count = 1;
  config.cpu.max_count = 4;
  config.memory.size_mib = 256;
  if (arch.memory_hotplug) config.memory.max_size_mib = 1024;
  config.boot.kernel = guest_dir(arch) + "/kernel";
  config.boot.initrd = guest_dir(arch) + "/initrd";
  return config;
}

/// Whether the guest can hear of a device is shown by its report; where a PCI device needs a tool in the guest, the
/// disks are on SCSI.
void describe_hotplug(Subject& subject, const Arch& arch) {
  subject.await_guest = [](Vm& vm, const CallContext& call) {
    const auto console = vm.console(call);
    std::string seen;
    char buffer[4096];
    while (seen.find("\"uptime_s\":") == std::string::npos) {
      const auto size = console->read(buffer, sizeof buffer, call);
      if (size == 0) throw Error(Errc::disconnected, "The guest ended before it was up");
      seen.append(buffer, size);
    }
  };
  if (arch.root_ports) subject.too_many_disks = 5;
  subject.removable_bus = DiskBus::scsi;  // nothing leaves the root bus of q35 and virt
  subject.device = [by_tool = arch.pci_by_tool](Feature feature, const std::string& id,
                                                const std::filesystem::path& scratch) {
    auto device = default_device(feature, id, scratch);
    auto* const disk = device ? std::get_if<DiskConfig>(&*device) : nullptr;
    if (by_tool && disk != nullptr) disk->bus = DiskBus::scsi;
    return device;
  };
}

Subject make_subject(const Arch& arch) {
  Subject subject;
  subject.name = "qemu_" + arch.name;
  subject.plugin = "qemu-" + arch.name;
  subject.config = base_config(arch);
  subject.missing = [arch] {
    if (!guest_dir(arch).empty()) return std::string{};
    return "no guest: " + guest_variable(arch) + " is not set; scripts/guest/build makes one";
  };
  subject.call_limit = std::chrono::seconds{30};
  subject.guest_limit = std::chrono::seconds{90};
  subject.console_text = "\"visor-guest\"";
  subject.memory_block_mib = arch.name == "ppc64le" ? 256 : 128;
  subject.vcpus_stay_away = "QEMU 7.2's emulation crashes when anything is plugged after a vCPU was removed";
  subject.await_guest = [](Vm& vm, const CallContext& call) {
    const auto console = vm.console(call);
    std::string seen;
    std::array<char, 4096> buffer{};
    while (seen.find("\"uptime_s\":") == std::string::npos) {
      const auto size = console->read(buffer.data(), buffer.size(), call);
      if (size == 0) return;  // it is over, as the test will find
      seen.append(buffer.data(), size);
    }
  };
  subject.console_input = "hello\n";
  subject.console_answer = "hello";  // the terminal's own echo
  describe_hotplug(subject, arch);
  subject.endings = {
      {"Killed", ExitCause::signal, {}, kill_hypervisor},
      {"PowerOff", ExitCause::guest_shutdown, with_kernel_param("visor.poweroff"), {}},
      {"Reset", ExitCause::guest_reset, with_kernel_param("visor.reboot"), {}},
      {"Panic", arch.panic, with_kernel_param("visor.panic"), {}},
  };
  subject.with_readiness = add_agent;
  subject.obeys_power_button = true;
  subject.without_readiness = [](VmConfig& config) { config.ready.console_line = "no guest says this"; };
  subject.failing_start = [](VmConfig& config) { add_param(config.host.hypervisor_params, "no-such-option"); };
  subject.hanging_start = [program = arch.program](VmConfig& config) {
    config.host.hypervisor_path = VISOR_TEST_SILENT_HYPERVISOR + program;
  };
  return subject;
}

}  // namespace

std::vector<Subject> qemu_subjects() {
  std::vector<Subject> all;
  for (const auto& arch : archs) all.push_back(make_subject(arch));
  return all;
}

}  // namespace visor::conformance

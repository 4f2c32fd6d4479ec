// SPDX-License-Identifier: Apache-2.0
#include "subject.hpp"
#include "visor/core/params.hpp"

#include <csignal>
#include <cstdlib>

namespace visor::conformance {
namespace {

/// The folder of the guest that scripts/guest/build makes; tests/e2e/qemu/run sets it.
std::string guest_dir() {
  const char* folder = std::getenv("VISOR_GUEST_AMD64");
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

VmConfig base_config() {
  VmConfig config;
  config.hypervisor = "qemu-amd64";
  config.machine.type = "q35";
  config.machine.accelerator = Accelerator::tcg;
  config.cpu.count = 1;
  config.cpu.max_count = 4;
  config.memory.size_mib = 256;
  config.memory.max_size_mib = 1024;
  config.boot.kernel = guest_dir() + "/kernel";
  config.boot.initrd = guest_dir() + "/initrd";
  return config;
}

}  // namespace

std::vector<Subject> qemu_amd64_subjects() {
  Subject subject;
  subject.name = "qemu_amd64";
  subject.plugin = "qemu-amd64";
  subject.config = base_config();
  subject.missing = [] {
    return guest_dir().empty() ? "no guest: VISOR_GUEST_AMD64 is not set; scripts/guest/build makes one" : "";
  };
  subject.call_limit = std::chrono::seconds{30};
  subject.guest_limit = std::chrono::seconds{90};
  subject.console_text = "\"visor-guest\"";
  subject.console_input = "hello\n";
  subject.console_answer = "hello";  // the terminal's own echo
  subject.endings = {
      {"Killed", ExitCause::signal, {}, kill_hypervisor},
      {"PowerOff", ExitCause::guest_shutdown, with_kernel_param("visor.poweroff"), {}},
      {"Reset", ExitCause::guest_reset, with_kernel_param("visor.reboot"), {}},
      {"Panic", ExitCause::guest_panic, with_kernel_param("visor.panic"), {}},
  };
  subject.with_readiness = add_agent;
  subject.obeys_power_button = true;
  subject.without_readiness = [](VmConfig& config) { config.ready.console_line = "no guest says this"; };
  subject.failing_start = [](VmConfig& config) { add_param(config.host.hypervisor_params, "no-such-option"); };
  subject.hanging_start = [](VmConfig& config) { config.host.hypervisor_path = VISOR_TEST_SILENT_HYPERVISOR; };
  return {subject};
}

}  // namespace visor::conformance

// SPDX-License-Identifier: Apache-2.0
// The conformance suite's view of the uml plugin. $UML_GUEST is the folder of a guest made by scripts/guest/build.
#include "subject.hpp"

#include <csignal>
#include <cstdlib>

namespace visor::conformance {
namespace {

std::function<void(VmConfig&)> with_kernel_param(std::string key, std::string value) {
  return [key = std::move(key), value = std::move(value)](VmConfig& config) {
    config.boot.kernel_params.push_back({key, value});
  };
}

Subject uml() {
  Subject subject;
  subject.name = "uml";
  subject.plugin = "uml";
  subject.plugin_dir = UML_PLUGIN_DIR;
  const char* guest = std::getenv("UML_GUEST");
  auto& config = subject.config;
  config.hypervisor = "uml";
  config.memory.size_mib = 128;
  config.boot.initrd = std::string{guest != nullptr ? guest : ""} + "/initrd";
  subject.missing = [guest] { return std::string{guest == nullptr ? "$UML_GUEST is not set" : ""}; };
  subject.call_limit = std::chrono::seconds{60};  // UML boots on the CPU that all other tests want, too
  subject.guest_limit = std::chrono::seconds{240};
  subject.moment = std::chrono::milliseconds{500};
  subject.console_text = R"({"visor-guest":1)";
  subject.too_many_disks = 16;
  subject.endings = {
      {"Killed", ExitCause::signal, {}, [](Vm& vm) { ::kill(vm.pids().front(), SIGKILL); }},
      {"PowerOff", ExitCause::guest_shutdown, with_kernel_param("visor.poweroff", "0"), {}},
      {"Reset", ExitCause::guest_reset, with_kernel_param("visor.reboot", "0"), {}},
      {"Panic", ExitCause::guest_panic, with_kernel_param("visor.panic", "0"), {}},
  };
  subject.with_readiness = [](VmConfig& changed) { changed.ready.console_line = R"({"visor-guest":1)"; };
  subject.obeys_power_button = true;
  subject.without_readiness = [](VmConfig& changed) { changed.ready.console_line = "no such line"; };
  subject.failing_start = [](VmConfig& changed) { changed.boot.kernel = "/bin/false"; };
  subject.hanging_start = [](VmConfig& changed) { changed.boot.kernel = SILENT_PROGRAM; };
  return subject;
}

}  // namespace

std::vector<Subject> all_subjects() { return {uml()}; }

}  // namespace visor::conformance

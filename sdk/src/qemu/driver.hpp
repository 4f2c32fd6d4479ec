// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "caps/caps_source.hpp"
#include "visor/core/host.hpp"
#include "visor/core/host_context.hpp"
#include "visor/core/qemu_arch.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace visor::sdk {

/// When a monitor that nobody uses is asked whether QEMU still answers.
struct ProbeTimes {
  std::chrono::milliseconds interval{5'000};  ///< from an answer to the next question
  std::chrono::milliseconds limit{5'000};     ///< without any answer for so long, it does not respond
};

/// What all VMs of one hypervisor object share. It keeps the plugin loaded: the architecture's code is there.
struct Driver {
  HostContext host;  // first: released last
  std::shared_ptr<const QemuArch> arch;
  ProbeTimes probe = {};
  std::function<HostFacts()> facts = [] { return host_facts(); };  ///< a test has its own
  CapsCache caps_cache = {};
  CapsSource* caps_source = &CapsSource::shared();  ///< a test has its own, which outlives this

  [[nodiscard]] std::string name() const { return "qemu-" + std::string{arch->name()}; }
  void log(LogLevel level, std::string_view vm, std::string_view text) const {
    if (host.log && host.log->enabled(level)) host.log->write(level, vm, text);
  }
};

}  // namespace visor::sdk

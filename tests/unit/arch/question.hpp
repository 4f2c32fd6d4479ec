// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "architectures.hpp"

#include <cstdint>
#include <string>

namespace visor::test {

/// A question in the making: an emulated VM of two vCPUs and 512 MiB on an amd64 host, unless changed.
struct Question {
  explicit Question(std::string_view name, std::string_view machine = {}) : arch{arch_of(name)} {
    config.machine.type = machine;
    config.cpu.count = 2;
    config.memory.size_mib = 512;
    config.boot.image_attachment = ImageAttachment::block;
  }
  /// The same under KVM, on a host of the guest's architecture.
  Question& with_kvm() {
    accelerator = Accelerator::kvm;
    host.arch = arch.name();
    return *this;
  }
  [[nodiscard]] ArchInput in() const { return {config, accelerator, host, qemu, image_bytes}; }

  const QemuArch& arch;
  VmConfig config;
  Accelerator accelerator = Accelerator::tcg;
  HostFacts host{.arch = "amd64", .memory_mib = 8192, .cpus = 4, .cpu_khz = 0, .kvm = true};
  QemuCaps qemu;
  std::uint64_t image_bytes = 0;
};

}  // namespace visor::test

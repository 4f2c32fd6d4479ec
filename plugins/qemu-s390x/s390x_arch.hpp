// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/qemu_arch.hpp"

namespace visor::s390x {

/// What QEMU needs to know to run IBM Z guests on s390-ccw-virtio.
class S390xArch final : public QemuArch {
 public:
  [[nodiscard]] std::string_view name() const override { return "s390x"; }
  [[nodiscard]] std::string_view default_machine() const override { return "s390-ccw-virtio"; }
  [[nodiscard]] std::vector<QemuMachine> machines() const override;
  [[nodiscard]] std::string_view binary() const override { return "qemu-system-s390x"; }
  [[nodiscard]] std::string_view package() const override { return "qemu-system-misc"; }

  [[nodiscard]] std::vector<QemuOption> machine_options(const ArchInput& in) const override;
  [[nodiscard]] std::string cpu_model(const ArchInput& in) const override;
  [[nodiscard]] std::uint32_t max_vcpus(const ArchInput& in) const override;
  [[nodiscard]] SmpTopology smp(const ArchInput& in) const override;
  [[nodiscard]] MemoryTopology memory(const ArchInput& in) const override;
  [[nodiscard]] BusLayout buses(const ArchInput& in) const override;
  [[nodiscard]] ImagePlan image(const ArchInput& in) const override;
  [[nodiscard]] FirmwarePlan firmware(const ArchInput& in) const override;
  [[nodiscard]] Params kernel_params(const ArchInput& in) const override;
  [[nodiscard]] ConsolePlan console(const ArchInput& in) const override;
  [[nodiscard]] DeviceChoices devices(const ArchInput& in) const override;
  [[nodiscard]] std::vector<QemuOption> globals(const ArchInput& in) const override;
  [[nodiscard]] MigrationRules migration(const ArchInput& in) const override;
  [[nodiscard]] Capabilities capabilities(const ArchInput& in) const override;
  void validate(const ArchInput& in) const override;
};

}  // namespace visor::s390x

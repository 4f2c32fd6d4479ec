// SPDX-License-Identifier: Apache-2.0
#include "guard.hpp"

namespace visor::detail {
namespace {

class GuardedArch final : public QemuArch {
 public:
  explicit GuardedArch(HeldPtr<const QemuArch> held) noexcept : held_{std::move(held)} {}

  [[nodiscard]] std::string_view name() const override { return held_->call("QemuArch::name", &QemuArch::name); }
  [[nodiscard]] std::string_view default_machine() const override {
    return held_->call("QemuArch::default_machine", &QemuArch::default_machine);
  }
  [[nodiscard]] std::vector<QemuMachine> machines() const override {
    return held_->call("QemuArch::machines", &QemuArch::machines);
  }
  [[nodiscard]] std::string_view binary() const override { return held_->call("QemuArch::binary", &QemuArch::binary); }
  [[nodiscard]] std::string_view package() const override {
    return held_->call("QemuArch::package", &QemuArch::package);
  }
  [[nodiscard]] std::vector<QemuOption> machine_options(const ArchInput& in) const override {
    return held_->call("QemuArch::machine_options", &QemuArch::machine_options, in);
  }
  [[nodiscard]] std::string cpu_model(const ArchInput& in) const override {
    return held_->call("QemuArch::cpu_model", &QemuArch::cpu_model, in);
  }
  [[nodiscard]] std::uint32_t max_vcpus(const ArchInput& in) const override {
    return held_->call("QemuArch::max_vcpus", &QemuArch::max_vcpus, in);
  }
  [[nodiscard]] SmpTopology smp(const ArchInput& in) const override {
    return held_->call("QemuArch::smp", &QemuArch::smp, in);
  }
  [[nodiscard]] MemoryTopology memory(const ArchInput& in) const override {
    return held_->call("QemuArch::memory", &QemuArch::memory, in);
  }
  [[nodiscard]] BusLayout buses(const ArchInput& in) const override {
    return held_->call("QemuArch::buses", &QemuArch::buses, in);
  }
  [[nodiscard]] ImagePlan image(const ArchInput& in) const override {
    return held_->call("QemuArch::image", &QemuArch::image, in);
  }
  [[nodiscard]] FirmwarePlan firmware(const ArchInput& in) const override {
    return held_->call("QemuArch::firmware", &QemuArch::firmware, in);
  }
  [[nodiscard]] Params kernel_params(const ArchInput& in) const override {
    return held_->call("QemuArch::kernel_params", &QemuArch::kernel_params, in);
  }
  [[nodiscard]] ConsolePlan console(const ArchInput& in) const override {
    return held_->call("QemuArch::console", &QemuArch::console, in);
  }
  [[nodiscard]] DeviceChoices devices(const ArchInput& in) const override {
    return held_->call("QemuArch::devices", &QemuArch::devices, in);
  }
  [[nodiscard]] std::vector<QemuOption> globals(const ArchInput& in) const override {
    return held_->call("QemuArch::globals", &QemuArch::globals, in);
  }
  [[nodiscard]] MigrationRules migration(const ArchInput& in) const override {
    return held_->call("QemuArch::migration", &QemuArch::migration, in);
  }
  [[nodiscard]] Capabilities capabilities(const ArchInput& in) const override {
    return held_->call("QemuArch::capabilities", &QemuArch::capabilities, in);
  }
  void validate(const ArchInput& in) const override { held_->call("QemuArch::validate", &QemuArch::validate, in); }

 private:
  HeldPtr<const QemuArch> held_;
};

}  // namespace

std::shared_ptr<const QemuArch> guard_arch(HeldPtr<const QemuArch> arch) {
  return std::make_shared<GuardedArch>(std::move(arch));
}

}  // namespace visor::detail

// SPDX-License-Identifier: Apache-2.0
#include "guard.hpp"

namespace visor::detail {
namespace {

class GuardedHypervisor final : public Hypervisor {
 public:
  explicit GuardedHypervisor(HeldPtr<Hypervisor> held) noexcept : held_{std::move(held)} {}

  [[nodiscard]] HypervisorInfo info() const override { return held_->call("Hypervisor::info", &Hypervisor::info); }
  [[nodiscard]] Capabilities capabilities(const VmConfig& config) const override {
    return held_->call("Hypervisor::capabilities", &Hypervisor::capabilities, config);
  }
  [[nodiscard]] VmConfig validate(const VmConfig& config) const override {
    return held_->call("Hypervisor::validate", &Hypervisor::validate, config);
  }
  [[nodiscard]] std::vector<std::string> command_line(const VmConfig& config, const std::string& id,
                                                      const std::filesystem::path& run_dir) const override {
    return held_->call("Hypervisor::command_line", &Hypervisor::command_line, config, id, run_dir);
  }
  std::unique_ptr<Vm> create(const VmConfig& config, const std::string& id,
                             const std::filesystem::path& run_dir) override {
    return guarded("Hypervisor::create", held_->call("Hypervisor::create", &Hypervisor::create, config, id, run_dir));
  }
  std::unique_ptr<Vm> attach(const VmRecord& record, const CallContext& call) override {
    return guarded("Hypervisor::attach", held_->call("Hypervisor::attach", &Hypervisor::attach, record, call));
  }
  std::shared_ptr<Extension> extension(std::string_view id) override {
    return guard_extension(held_->origin(), held_, id,
                           held_->call("Hypervisor::extension", &Hypervisor::extension, id));
  }

 private:
  [[nodiscard]] std::unique_ptr<Vm> guarded(std::string_view where, std::unique_ptr<Vm> vm) const {
    return guard_vm(hold<Vm>(held_->origin(), held_, where, std::move(vm)));
  }

  HeldPtr<Hypervisor> held_;
};

}  // namespace

std::shared_ptr<Hypervisor> guard_hypervisor(HeldPtr<Hypervisor> hypervisor) {
  return std::make_shared<GuardedHypervisor>(std::move(hypervisor));
}

}  // namespace visor::detail

// SPDX-License-Identifier: Apache-2.0
// The smallest plugin: it tells about itself and runs nothing.
#include "visor/core/error.hpp"
#include "visor/core/hypervisor.hpp"
#include "visor/sdk/plugin.hpp"

namespace {

class ThirdParty final : public visor::Hypervisor {
 public:
  [[nodiscard]] visor::HypervisorInfo info() const override {
    return {"third-party", "any", "none", {"none"}, "Built out of tree"};
  }
  [[nodiscard]] visor::Capabilities capabilities(const visor::VmConfig&) const override { return {}; }
  [[nodiscard]] visor::VmConfig validate(const visor::VmConfig& config) const override { return config; }
  [[nodiscard]] std::vector<std::string> command_line(const visor::VmConfig&, const std::string& id,
                                                      const std::filesystem::path&) const override {
    return {"/bin/true", id};
  }
  std::unique_ptr<visor::Vm> create(const visor::VmConfig&, const std::string&, const std::filesystem::path&) override {
    throw visor::Error(visor::Errc::unsupported, "The third-party plugin makes no VMs");
  }
  std::unique_ptr<visor::Vm> attach(const visor::VmRecord&, const visor::CallContext&) override {
    throw visor::Error(visor::Errc::not_found, "The third-party plugin has no VMs");
  }
  std::shared_ptr<visor::Extension> extension(std::string_view) override { return nullptr; }
};

visor::Hypervisor* create_hypervisor(const visor::HostContext*) { return new ThirdParty; }

}  // namespace

VISOR_DEFINE_PLUGIN(VISOR_PLUGIN_OTHER, "third-party", "any", &create_hypervisor, nullptr);

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/host_context.hpp"
#include "visor/core/hypervisor.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace uml {

/// Linux guests as programs of the host: no KVM, no emulation, no privileges. Stateless.
class UmlHypervisor final : public visor::Hypervisor {
 public:
  explicit UmlHypervisor(visor::HostContext host);

  [[nodiscard]] visor::HypervisorInfo info() const override;
  [[nodiscard]] visor::Capabilities capabilities(const visor::VmConfig& config) const override;
  [[nodiscard]] visor::VmConfig validate(const visor::VmConfig& config) const override;
  [[nodiscard]] std::vector<std::string> command_line(const visor::VmConfig& config, const std::string& id,
                                                      const std::filesystem::path& run_dir) const override;
  std::unique_ptr<visor::Vm> create(const visor::VmConfig& config, const std::string& id,
                                    const std::filesystem::path& run_dir) override;
  std::unique_ptr<visor::Vm> attach(const visor::VmRecord& record, const visor::CallContext& call) override;
  std::shared_ptr<visor::Extension> extension(std::string_view id) override;

 private:
  visor::HostContext host_;
};

}  // namespace uml

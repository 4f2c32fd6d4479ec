// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/host_context.hpp"
#include "visor/core/hypervisor.hpp"

namespace visor::mock {

/// The hypervisor without one: its VMs are files. [any thread]
class MockHypervisor final : public Hypervisor {
 public:
  explicit MockHypervisor(const HostContext& host);
  [[nodiscard]] HypervisorInfo info() const override;
  [[nodiscard]] Capabilities capabilities(const VmConfig& config) const override;
  [[nodiscard]] VmConfig validate(const VmConfig& config) const override;
  [[nodiscard]] std::vector<std::string> command_line(const VmConfig& config, const std::string& id,
                                                      const std::filesystem::path& run_dir) const override;
  std::unique_ptr<Vm> create(const VmConfig& config, const std::string& id,
                             const std::filesystem::path& run_dir) override;
  std::unique_ptr<Vm> attach(const VmRecord& record, const CallContext& call) override;
  std::shared_ptr<Extension> extension(std::string_view id) override;

 private:
  const Params options_;
  const std::shared_ptr<Clock> clock_;
};

}  // namespace visor::mock

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "handle.hpp"
#include "visor/core/vm.hpp"

#include <atomic>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace visor::mock {

/// What the options let a VM of this configuration do.
Capabilities mock_capabilities(const VmConfig& config, const Options& options);

/// A handle for a machine in its file. It holds no state of the machine itself.
class MockVm final : public Vm {
 public:
  /// creating: this is the handle of create(), which owns the VM and ends an ephemeral one.
  MockVm(std::shared_ptr<Handle> handle, const Machine& machine, bool creating);
  ~MockVm() override;

  [[nodiscard]] std::string id() const override { return id_; }
  [[nodiscard]] VmConfig config() const override;
  [[nodiscard]] Capabilities capabilities() const override { return capabilities_; }
  [[nodiscard]] VmRecord record() const override;
  void add_device(const DeviceConfig& device) override;
  using Vm::start;
  void start(bool start_paused, const CallContext& call) override;
  void wait_ready(const CallContext& call) override;
  ExitRecord wait_exit(const CallContext& call) override;
  StopResult stop(const StopOptions& options, const CallContext& call) override;
  void pause(const CallContext& call) override;
  void resume(const CallContext& call) override;
  HotplugResult hotplug_add(const DeviceConfig& device, const CallContext& call) override;
  UnplugOutcome hotplug_remove(std::string_view device_id, const CallContext& call) override;
  MemoryResize resize_memory(std::uint64_t target_mib, std::uint64_t block_mib, const CallContext& call) override;
  VcpuResize resize_vcpus(std::uint32_t target, const CallContext& call) override;
  std::unique_ptr<Console> console(const CallContext& call) override;
  std::shared_ptr<EventQueue> events() override;
  VmStatus status(const CallContext& call) override;
  void check(const CallContext& call) override;
  std::vector<VcpuThread> thread_ids(const CallContext& call) override;
  [[nodiscard]] std::vector<std::int32_t> pids() const override;
  void disconnect() override;
  std::shared_ptr<Extension> extension(std::string_view id) override;

 private:
  using States = std::initializer_list<VmState>;
  void require(Feature feature) const;
  void require_hotplug(const DeviceConfig& device) const;
  /// The machine, when it is in one of these states; else invalid_state.
  Machine look_in(States states, std::string_view operation, const CallContext& call);
  /// As the owner, changes a machine in one of these states whose hypervisor answers.
  Machine change_in(States states, std::string_view operation, const CallContext& call, const Handle::Change& change);
  void boot(bool start_paused, const CallContext& call);

  std::shared_ptr<Handle> handle_;
  std::string id_;
  Capabilities capabilities_;
  bool ends_with_handle_ = false;  ///< created ephemeral by this handle
  std::atomic<bool> starting_{false};
};

}  // namespace visor::mock

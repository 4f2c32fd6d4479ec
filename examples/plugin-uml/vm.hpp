// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "link.hpp"
#include "visor/core/error.hpp"
#include "visor/core/host_context.hpp"
#include "visor/core/owner_lock.hpp"
#include "visor/core/vm.hpp"
#include "visor/sdk/gate.hpp"
#include "visor/sdk/vm_tracker.hpp"

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace uml {

/// A handle of a VM on User-Mode Linux. `gate_` lets one changing operation through at a time; `mutex_` guards the
/// members below it and is never held across a wait.
///
/// The record's blob: `units` (ids of disks and their numbers), `paused` (UML cannot be asked, so the owner writes it
/// down), `ended_ms` (a VM that was stopped before its start).
class UmlVm final : public visor::Vm {
 public:
  /// With the owner lock: this handle owns the VM. Without: it looks, until it has to change something.
  UmlVm(visor::HostContext host, visor::VmRecord record, std::optional<visor::OwnerLock> lock);

  [[nodiscard]] std::string id() const override { return id_; }
  [[nodiscard]] visor::VmConfig config() const override { return record().config; }
  [[nodiscard]] visor::Capabilities capabilities() const override;
  [[nodiscard]] visor::VmRecord record() const override;
  void add_device(const visor::DeviceConfig& device) override;
  using Vm::start;
  void start(bool start_paused, const visor::CallContext& call) override;
  void wait_ready(const visor::CallContext& call) override;
  visor::ExitRecord wait_exit(const visor::CallContext& call) override;
  visor::StopResult stop(const visor::StopOptions& options, const visor::CallContext& call) override;
  void pause(const visor::CallContext& call) override { set_paused(true, call); }
  void resume(const visor::CallContext& call) override { set_paused(false, call); }
  visor::HotplugResult hotplug_add(const visor::DeviceConfig& device, const visor::CallContext& call) override;
  visor::UnplugOutcome hotplug_remove(std::string_view device_id, const visor::CallContext& call) override;
  visor::MemoryResize resize_memory(std::uint64_t target_mib, std::uint64_t block_mib,
                                    const visor::CallContext& call) override;
  visor::VcpuResize resize_vcpus(std::uint32_t target, const visor::CallContext& call) override;
  std::unique_ptr<visor::Console> console(const visor::CallContext& call) override;
  std::shared_ptr<visor::EventQueue> events() override;
  visor::VmStatus status(const visor::CallContext& call) override;
  void check(const visor::CallContext& call) override;
  std::vector<visor::VcpuThread> thread_ids(const visor::CallContext& call) override;
  [[nodiscard]] std::vector<std::int32_t> pids() const override;
  void disconnect() override;
  std::shared_ptr<visor::Extension> extension(std::string_view id) override;

 private:
  // What is known, and how this handle reaches the VM (vm.cpp)
  [[nodiscard]] bool launched() const { return record().hypervisor.pid != 0; }
  [[nodiscard]] bool is_paused() const;
  /// The end, if it is known or can be read.
  [[nodiscard]] std::optional<visor::ExitRecord> known_exit() const;
  [[nodiscard]] std::shared_ptr<Link> link() const;
  std::shared_ptr<Link> replace_link(std::shared_ptr<Link> link);
  void require(visor::Feature feature) const;
  /// Throws unsupported, cancelled, timeout or invalid_state, in this order.
  void require_live(visor::Feature feature, const visor::CallContext& call);
  [[noreturn]] void refuse_state(std::string_view operation, std::string_view needed, const visor::CallContext& call);
  /// Makes this handle the owner, or throws busy. The gate is held.
  void own(std::string_view operation, const visor::CallContext& call) { own(operation, call, call); }
  void own(std::string_view operation, const visor::CallContext& call, const visor::CallContext& lock_call);
  /// Sees to it that the end of a live VM is noticed.
  void watch(visor::sdk::KeeperRole role, const visor::CallContext& call);
  /// Waits for the keeper of a VM that has ended: then nothing of the VM is left.
  void settle() const;
  visor::sdk::Keeper reach_keeper(visor::sdk::KeeperRole role, const visor::CallContext& call);
  /// Changes the record, in memory and on disk. The lock is held.
  template <class Change>
  void change_record(const Change& change);

  // vm_start.cpp
  void launch(const visor::CallContext& call);
  void await_kernel(const visor::CallContext& call);
  [[nodiscard]] visor::Error explain_failure(const visor::Error& error) const;
  void undo_launch() noexcept;
  void attempt(const std::function<void()>& cleaning) noexcept;
  void set_paused(bool paused, const visor::CallContext& call);
  // vm_stop.cpp
  visor::StopResult end(const visor::StopOptions& options, const visor::CallContext& call);
  visor::StopResult stop_unstarted();
  visor::StopResult stop_by_keeper(const visor::StopOptions& options, bool owner, const visor::CallContext& call);
  visor::StopResult stop_without_keeper(const visor::StopOptions& options, const visor::CallContext& call);

  visor::HostContext host_;
  std::string id_;
  std::filesystem::path run_dir_;
  Mconsole mconsole_;
  std::shared_ptr<visor::sdk::VmTracker> tracker_ = std::make_shared<visor::sdk::VmTracker>();
  visor::sdk::Gate gate_;
  visor::sdk::Gate watch_gate_;
  std::atomic<bool> ready_{false};
  mutable std::mutex mutex_;
  mutable visor::VmRecord record_;
  std::optional<visor::OwnerLock> lock_;
  std::shared_ptr<Link> link_;
  bool link_owns_ = false;
};

template <class Change>
void UmlVm::change_record(const Change& change) {
  visor::VmRecord changed;
  {
    const std::scoped_lock lock{mutex_};
    change(record_);
    changed = record_;
  }
  write_record(changed);
}

}  // namespace uml

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "driver.hpp"
#include "live_devices.hpp"
#include "prepared.hpp"
#include "resize/plugged_memory.hpp"
#include "resize/vcpus.hpp"
#include "session.hpp"
#include "state/arrival.hpp"
#include "tether.hpp"
#include "unplug_watch.hpp"
#include "visor/core/owner_lock.hpp"
#include "visor/core/vm.hpp"
#include "visor/sdk/gate.hpp"
#include "visor/sdk/vm_tracker.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace visor::sdk {

/// A handle of a QEMU VM. `gate_` lets one changing operation through at a time; `mutex_` guards the members below it
/// and is never held across a wait.
class QemuVm final : public Vm {
 public:
  /// A new VM, owned by this handle. Writes its first record.
  QemuVm(std::shared_ptr<const Driver> driver, Prepared prepared, std::string id, std::filesystem::path run_dir);
  /// A VM that exists already.
  QemuVm(std::shared_ptr<const Driver> driver, VmRecord record);
  ~QemuVm() override;

  [[nodiscard]] std::string id() const override { return id_; }
  [[nodiscard]] VmConfig config() const override;
  [[nodiscard]] Capabilities capabilities() const override;
  [[nodiscard]] VmRecord record() const override;
  void add_device(const DeviceConfig& device) override;
  using Vm::start;
  void start(bool start_paused, const CallContext& call) override;
  void wait_ready(const CallContext& call) override;
  visor::ExitRecord wait_exit(const CallContext& call) override;
  StopResult stop(const visor::StopOptions& options, const CallContext& call) override;
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

  // For its extensions, which hold a Tether
  [[nodiscard]] const Driver& driver() const noexcept { return *driver_; }
  /// As start(), with a state that comes from elsewhere; it is paused then. On failure it is created again.
  void arrive(std::string_view operation, const CallContext& call, const FindArrival& find);
  /// What its start() begins with: a saved state, a template's, or nothing. Throws as RestoreExtension.
  [[nodiscard]] std::optional<Arrival> find_state(const CallContext& call);
  /// All of the VM but its state, for whoever takes that. [file I/O]
  [[nodiscard]] Manifest describe(const qmp::Client& client) const;
  [[nodiscard]] MigrationRules migration_rules() const;
  /// Writes a member of the record's blob down. When that fails it is as it was, and the error is thrown. For the
  /// owner, within change() once it runs.
  void note(std::string_view key, Value value);
  /// Takes it out again; what goes wrong is logged.
  void forget(std::string_view key) noexcept;
  /// An operation that changes a running or paused VM: one at a time, by the owner alone. Throws as Vm's changing calls
  /// do. [blocks]
  void change(std::string_view operation, const CallContext& call, const std::function<void(qmp::Client&)>& command);
  /// Within change(): the owner's monitor, connected again when it was lost. [blocks]
  std::shared_ptr<qmp::Client> reach(const CallContext& call);
  /// Asks QEMU through the owner's monitor, or through the observer's for the time of one question. [blocks]
  void with_monitor(const CallContext& call, const std::function<void(qmp::Client&, const CallContext&)>& ask);
  /// Throws invalid_state unless it runs or is paused.
  void require_live(std::string_view operation, const CallContext& call);

 private:
  // What is known (qemu_vm.cpp)
  [[nodiscard]] std::optional<visor::ExitRecord> known_exit() const;
  /// The record, as whoever owns the VM left it while it was not started.
  [[nodiscard]] VmRecord fresh_record() const;
  [[nodiscard]] bool launched() const;
  [[nodiscard]] std::shared_ptr<Session> session() const;
  [[nodiscard]] std::string socket_path(std::string_view name) const { return (run_dir_ / name).string(); }
  [[noreturn]] void refuse_state(std::string_view operation, std::string_view needed, const CallContext& call);

  // Connections (qemu_vm_connect.cpp)
  /// Makes this handle the owner, connected when the VM lives. The gate is held.
  void own(std::string_view operation, const CallContext& call);
  void take_lock(std::string_view operation, const CallContext& call);
  /// Sees to it that the end of a live VM is noticed.
  void watch(const CallContext& call);
  void settle(std::chrono::milliseconds limit) const;
  void connect_owner(const CallContext& call);
  void reconnect_monitor(Session& session, const CallContext& call);
  /// Asks QEMU over a new connection how things are, and tells the subscribers. [blocks ≤ 2 s]
  void resync(const Session& session, const CallContext& call);
  void end_what_only_paused(qmp::Client& client, const std::string& status);
  /// Feeds the journal; returns the number of the line to come.
  std::uint64_t feed_past(Session& session, const CallContext& call);
  [[nodiscard]] std::exception_ptr try_feed_past(Session& session, const CallContext& call);
  Keeper reach_keeper(const CallContext& call);
  [[nodiscard]] std::shared_ptr<Session> replace_session(std::shared_ptr<Session> session);
  [[nodiscard]] SessionContext session_context() const {
    return {driver_, id_, run_dir_, tracker_, feed_, totals_, unplugs_, config().policy};
  }
  [[nodiscard]] bool keeper_lives() const;

  // Start (qemu_vm_start.cpp)
  Prepared& prepared(const CallContext& call);
  void come_up(std::string_view operation, bool stays_paused, const CallContext& call, const FindArrival& find);
  void begin_life(const Arrival* from, bool stays_paused, const CallContext& call);
  void launch(const Arrival* from, const CallContext& call);
  void launch_with_or_without_kvm(const Arrival* from, const CallContext& call);
  /// What is fixed from the first launch on, and must fit the state if there is one.
  Prepared prepare_launch(const Arrival* from, const CallContext& call);
  [[nodiscard]] std::optional<std::string> end_behind(const Error& error) const;
  void undo_launch(const visor::ExitRecord* reason) noexcept;
  [[nodiscard]] visor::ExitRecord reason_of(const Error& failure) const;
  [[nodiscard]] Error explain_failure(const Error& error) const;
  void store_record();
  void wait_console_line(const std::string& line, const CallContext& call);

  // Devices that come and go (qemu_vm_hotplug.cpp). The gate is held.
  HotplugResult plug(qmp::Client& client, const DeviceConfig& device, const CallContext& call);
  void run_plug(qmp::Client& client, const hotplug::Plugging& parts, const DeviceConfig& device,
                const LiveDevices& live, const CallContext& call);
  UnplugOutcome unplug(qmp::Client& client, const std::string& id, const CallContext& call);
  [[nodiscard]] qmp::UnplugReport take_out(qmp::Client& client, const DeviceConfig& device, const CallContext& call);
  /// Frees what the guest has let go of since it was asked to.
  void settle_unplugs(qmp::Client& client, const CallContext& call);
  void tidy_up(qmp::Client& client, const CallContext& call);
  void settle_late(const CallContext& call);
  [[nodiscard]] Prepared running(const DeviceConfig& with) const;
  /// The record has these devices from now on, or it throws and nothing has changed. [file I/O]
  void keep(const LiveDevices& live);
  void drop_sockets_of_plugged() const noexcept;

  // State of another QEMU (qemu_vm_state.cpp)
  void take_state(qmp::Client& client, const Arrival& from, const CallContext& call);
  void require_not_gone(qmp::Client& client, const CallContext& call) const;

  // Stop (qemu_vm_stop.cpp)
  StopResult end(const visor::StopOptions& options, const CallContext& call);
  void inherit();
  /// False when another handle owns the VM and has started it.
  bool take_lock_to_stop(const CallContext& call);
  StopResult stop_unstarted();
  StopResult stop_as_owner(const visor::StopOptions& options, const CallContext& call);
  /// What a powered-off or panicked guest cannot hear, and QEMU would only pause at, is not asked of it.
  std::optional<visor::ExitRecord> ask_guest_to_end(qmp::Client& client, std::chrono::milliseconds grace,
                                                    const CallContext& call);
  std::optional<visor::ExitRecord> try_rung(std::chrono::milliseconds grace, const CallContext& call,
                                            const std::function<void(const CallContext&)>& ask);
  /// The keeper asks the owner first, unless it is to be by force.
  StopResult stop_beside_owner(const visor::StopOptions& options, const CallContext& call);
  StopResult signal_ladder(const visor::StopOptions& options, const CallContext& call);
  /// Nothing when there is no keeper, or none that does as it is asked.
  std::optional<StopResult> stop_by_keeper(const sdk::StopOptions& ask, const CallContext& call);
  StopResult signal_directly(const visor::StopOptions& options, const CallContext& call);
  /// What a keeper that died can no longer do for a VM that ended: note the end and remove the sockets.
  void bury(const visor::ExitRecord& exit, Deadline deadline) noexcept;
  bool end_helpers(std::chrono::milliseconds grace, Deadline deadline) const;
  void remove_sockets() const noexcept;
  void end_ephemeral() noexcept;
  bool end_launched(Session* session) noexcept;

  // Resizing (qemu_vm_resize.cpp). The gate is held; each leaves in its argument what there is then.
  void grow_vcpus(qmp::Client& client, Vcpus& vcpus, std::uint32_t target, const CallContext& call);
  void shrink_vcpus(qmp::Client& client, Vcpus& vcpus, std::uint32_t target, const CallContext& call);
  void add_module(qmp::Client& client, PluggedMemory& memory, std::uint64_t size_mib, const CallContext& call);
  void remove_modules(qmp::Client& client, PluggedMemory& memory, std::uint64_t wanted_mib, const CallContext& call);
  void resize_by_virtio_mem(qmp::Client& client, PluggedMemory& memory, std::uint64_t wanted_mib,
                            const CallContext& call);
  /// Changes the record. What cannot be written does not count. The gate is held.
  void keep(const std::function<void(VmRecord&)>& change);
  /// The same for what is left of an operation that failed; what goes wrong is logged.
  void keep_after_failure(const std::function<void(VmRecord&)>& change) noexcept;
  /// Asks QEMU what is left of an operation that failed; what goes wrong is logged. [blocks ≤ 2 s]
  void look_after_failure(const std::function<void(qmp::Client&, const CallContext&)>& look) noexcept;
  /// Throws unsupported when QEMU would crash at a change of its memory map: after the removal of a vCPU under TCG.
  void check_memory_map(std::string_view operation) const;
  void check_memory_map(std::string_view operation, const DeviceConfig& device) const;

  std::shared_ptr<const Driver> driver_;
  std::string id_;
  std::filesystem::path run_dir_;
  std::shared_ptr<VmTracker> tracker_ = std::make_shared<VmTracker>();
  std::shared_ptr<EventFeed> feed_ = std::make_shared<EventFeed>(tracker_);
  std::shared_ptr<MonitorTotals> totals_ = std::make_shared<MonitorTotals>();
  std::shared_ptr<qmp::PendingUnplugs> unplugs_ = std::make_shared<qmp::PendingUnplugs>();
  const std::shared_ptr<Tether> tether_ = std::make_shared<Tether>(*this);
  const pid_t process_ = ::getpid();
  Gate gate_;
  Gate watch_gate_;
  mutable std::mutex mutex_;
  std::optional<Prepared> prepared_;  // until the start
  mutable VmRecord record_;
  std::optional<OwnerLock> lock_;
  std::shared_ptr<Session> session_;
  bool starting_ = false;
  bool lifeline_ = false;                      // this handle started the VM: an ephemeral one ends with it
  std::unique_ptr<UnplugWatch> unplug_watch_;  // the gate's; the last member: it uses all others
};

/// Hypervisor::create(), as this driver does it.
std::unique_ptr<QemuVm> create_vm(const std::shared_ptr<const Driver>& driver, const VmConfig& config,
                                  const std::string& id, const std::filesystem::path& run_dir);

/// How long a call whose VM has ended waits for the keeper to go.
inline constexpr std::chrono::milliseconds settle_limit{500};

/// Everything a keeper is told about a VM: made from the plan for a launch, from the record for an adoption.
WatchSpec watch_spec(const std::filesystem::path& run_dir, const VmConfig& config);
std::vector<std::string> listener_paths(const std::filesystem::path& run_dir, const VmConfig& config);

}  // namespace visor::sdk

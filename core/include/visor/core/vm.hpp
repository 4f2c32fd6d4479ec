// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/capabilities.hpp"
#include "visor/core/device_config.hpp"
#include "visor/core/events.hpp"
#include "visor/core/export.h"
#include "visor/core/extension.hpp"
#include "visor/core/vm_config.hpp"
#include "visor/core/vm_record.hpp"
#include "visor/core/vm_state.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace visor {

/// A connection to a guest's console. Many may be open at once; each first reads what the console's history still
/// holds.
class VISOR_CORE_EXPORT Console {
 public:
  Console() = default;
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;
  virtual ~Console();
  /// Reads at least one byte; 0 means that the VM is gone and all was read. [blocks until the context's deadline]
  virtual std::size_t read(char* buffer, std::size_t size, const CallContext& call) = 0;
  /// Writes all bytes to the guest; they arrive also when the console is destroyed at once, as long as the VM lives.
  /// [blocks until the context's deadline]
  virtual void write(std::string_view bytes, const CallContext& call) = 0;
  /// Polls readable while read() would not block; -1 when the plugin has none. Owned by the console.
  [[nodiscard]] virtual int poll_fd() const noexcept = 0;
};

/// One virtual machine, as a handle. Destroying the handle detaches; the VM lives on unless its start did not finish or
/// it is `ephemeral`.
///
/// Every method: [any thread]; those that take a CallContext block until its deadline at the latest and throw
/// timeout or cancelled; on an I/O thread of the SDK they throw wrong_thread. A call that the state does not allow
/// throws invalid_state naming both states. What capabilities() does not claim throws unsupported from every state.
///
/// A handle from Hypervisor::create() owns the VM until disconnect(). A handle from attach() only looks; its first
/// changing call (all but stop) takes the owner lock, waiting up to the deadline, then fails with busy. stop() works
/// beside a living owner: the owner is asked first, or waited for while it has not started the VM.
class VISOR_CORE_EXPORT Vm {
 public:
  Vm() = default;
  Vm(const Vm&) = delete;
  Vm& operator=(const Vm&) = delete;
  virtual ~Vm();

  [[nodiscard]] virtual std::string id() const = 0;
  /// The normalised configuration, with the devices added since.
  [[nodiscard]] virtual VmConfig config() const = 0;
  [[nodiscard]] virtual Capabilities capabilities() const = 0;
  /// What attach() needs, as of now.
  [[nodiscard]] virtual VmRecord record() const = 0;

  /// Adds a device before the start. created only. Throws invalid_config, already_exists, exhausted.
  virtual void add_device(const DeviceConfig& device) = 0;

  /// created -> running, or paused when start_paused. Returns when the hypervisor is negotiated and the vCPUs run.
  /// A start that fails ends all it had begun, and the VM is created again: another start may be tried.
  virtual void start(bool start_paused, const CallContext& call) = 0;
  void start(const CallContext& call) { start(false, call); }
  /// Waits for the guest's own sign that it is ready (ReadyConfig). Throws unsupported when none is configured. A
  /// timeout quotes the last line on the console, where the plugin keeps one.
  virtual void wait_ready(const CallContext& call) = 0;
  /// Waits for the end, whoever brings it about. Returns at once when it is over already.
  virtual ExitRecord wait_exit(const CallContext& call) = 0;
  /// Ends the VM by the ladder guest -> hypervisor -> terminate -> kill and cleans up. Idempotent; from any state.
  virtual StopResult stop(const StopOptions& options, const CallContext& call) = 0;
  /// running -> paused. Pausing a paused VM does nothing.
  virtual void pause(const CallContext& call) = 0;
  /// paused -> running. Resuming a running VM does nothing.
  virtual void resume(const CallContext& call) = 0;

  /// Plugs a device into a running or paused VM; on failure nothing of it remains. Throws already_exists, exhausted
  /// with the limit and what raises it, and unsupported for types that are there only from the start.
  virtual HotplugResult hotplug_add(const DeviceConfig& device, const CallContext& call) = 0;
  /// Asks the guest to let go of a device, also one from the start, and waits for what came of it. Some guests take six
  /// seconds: give it twenty. Throws not_found for an unknown id; see UnplugOutcome.
  virtual UnplugOutcome hotplug_remove(std::string_view device_id, const CallContext& call) = 0;
  /// Grows or shrinks memory; block_mib is the guest's memory block size, 0 for the plugin's own.
  virtual MemoryResize resize_memory(std::uint64_t target_mib, std::uint64_t block_mib, const CallContext& call) = 0;
  virtual VcpuResize resize_vcpus(std::uint32_t target, const CallContext& call) = 0;

  virtual std::unique_ptr<Console> console(const CallContext& call) = 0;
  /// A new subscription, from now on. Bounded; see EventQueue.
  virtual std::shared_ptr<EventQueue> events() = 0;

  /// The state as reality has it. Never fails because the hypervisor is silent: it is then not responsive.
  virtual VmStatus status(const CallContext& call) = 0;
  /// Throws when the VM is not well: failed, panicked, unresponsive. Says which.
  virtual void check(const CallContext& call) = 0;
  virtual std::vector<VcpuThread> thread_ids(const CallContext& call) = 0;
  /// Host processes, the hypervisor first; empty when there are none or they are not known.
  [[nodiscard]] virtual std::vector<std::int32_t> pids() const = 0;

  /// Gives the VM up: closes connections and the owner lock. It lives on. Idempotent, never throws for a dead VM.
  virtual void disconnect() = 0;

  /// An optional interface by its versioned id, or null. It stays valid as long as it is held.
  virtual std::shared_ptr<Extension> extension(std::string_view id) = 0;
};

}  // namespace visor

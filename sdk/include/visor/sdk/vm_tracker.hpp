// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/events.hpp"
#include "visor/core/vm_state.hpp"
#include "visor/sdk/export.h"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace visor::sdk {

/// What a handle has learned about its VM, from whichever source: fed on the I/O thread, asked on any thread. It never
/// blocks but in the waits.
class VISOR_SDK_EXPORT VmTracker {
 public:
  VmTracker() = default;
  VmTracker(const VmTracker&) = delete;
  VmTracker& operator=(const VmTracker&) = delete;
  /// Closes the queues of all subscribers.
  ~VmTracker();

  /// Takes note of an event and passes it on to all subscribers.
  void on_event(const Event& event);
  /// Tells all subscribers that the VM is in another state now.
  void on_state(VmState state);
  /// The hypervisor stopped answering, or answers again: subscribers are told when that is a change.
  void on_responsive(bool responsive);
  /// Whether it answers, as far as is known.
  [[nodiscard]] bool responsive() const;
  /// The guest is ready when it opens this port: subscribers then get `guest_ready`, once.
  void expect_port(std::string port);
  /// The guest is ready: subscribers get `guest_ready`, unless they had it.
  void on_ready();
  /// A stop is under way, of whoever: see explain_unwitnessed().
  void expect_stop();
  [[nodiscard]] bool stop_expected() const;
  /// Takes note of an event of the past; nobody is told.
  void note(const Event& event);
  /// The end; only the first one counts. Subscribers get the guest's event that the cause stands for, unless the
  /// hypervisor told it, then the final state, then `exited`; their queues close.
  void on_exit(visor::ExitRecord record);

  [[nodiscard]] std::optional<visor::ExitRecord> exit() const;
  /// Whether an event of this kind was seen, of the past or live.
  [[nodiscard]] bool saw(EventKind kind) const;
  [[nodiscard]] bool panicked() const { return saw(EventKind::guest_panicked); }
  /// Whether the guest asked for a reset that is the end of the VM: a `guest_reset` that is QEMU's SHUTDOWN.
  [[nodiscard]] bool reset_ended() const;
  /// Forgets what belongs to an earlier start.
  void reset();
  /// As reset(). A start begins: until started() an end is known to exit_by() alone, as the reason why the start
  /// failed, and no queue closes.
  void begin();
  /// The start is finished. An end that came meanwhile is told now.
  void started();

  /// Counts the calls of interrupt().
  [[nodiscard]] std::uint64_t interruptions() const;
  /// Nobody feeds this tracker any more: whoever waits by the count must look for another source.
  void interrupt();

  /// Waits for the end. Throws timeout, cancelled.
  visor::ExitRecord wait_exit(const CallContext& call) const;
  /// The same; nothing when there was an interruption since the count was taken.
  [[nodiscard]] std::optional<visor::ExitRecord> wait_exit(const CallContext& call, std::uint64_t interruptions) const;
  /// Waits for the end without throwing: nothing when the deadline came first.
  [[nodiscard]] std::optional<visor::ExitRecord> exit_by(Deadline deadline) const;
  /// Waits until the guest has opened a port, or the VM ended (returns false). Throws timeout, cancelled.
  bool wait_port(const std::string& port, const CallContext& call) const;

  /// A new subscription, from now on; closed and empty when the VM is over.
  std::shared_ptr<EventQueue> subscribe();

 private:
  /// Waits until `done`, which is asked under the mutex; wakes on changes and on cancellation. The end, if it came.
  std::optional<visor::ExitRecord> wait(const CallContext& call, std::string_view what,
                                        const std::function<bool()>& done) const;
  [[nodiscard]] bool over_locked() const { return exit_.has_value() && !unfinished_; }
  void reset_locked(bool unfinished);
  void tell_end_locked();
  void tell_ready_locked();
  void note_locked(const Event& event);
  void push_locked(const Event& event);

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::optional<visor::ExitRecord> exit_;
  bool unfinished_ = false;
  bool responsive_ = true;
  std::uint64_t interruptions_ = 0;
  std::set<EventKind> seen_;
  bool reset_ended_ = false;
  std::set<std::string> open_ports_;
  std::string ready_port_;
  bool stop_expected_ = false;
  std::vector<std::weak_ptr<EventQueue>> subscribers_;
};

/// The end of a VM whose keeper died before it did: what the guest was seen to do, or else `stopped` when a stop was
/// under way, or else unknown. Whoever stops the VM and whoever watches its process see the end at the same time; both
/// ask here, and tell the same. [any thread] [does not block]
VISOR_SDK_EXPORT visor::ExitRecord explain_unwitnessed(const VmTracker& seen);

}  // namespace visor::sdk

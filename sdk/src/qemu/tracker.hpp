// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/events.hpp"
#include "visor/core/vm_state.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace visor::sdk {

/// What a handle has learned about its VM, from whichever source: fed on the I/O thread, asked on any thread.
class Tracker {
 public:
  Tracker() = default;
  Tracker(const Tracker&) = delete;
  Tracker& operator=(const Tracker&) = delete;
  ~Tracker();

  /// Takes note of an event and passes it on to all subscribers.
  void on_event(const Event& event);
  /// Takes note of an event of the past; nobody is told.
  void note(const Event& event);
  /// The end; only the first one counts. Subscribers get `exited` and their queues close.
  void on_exit(ExitRecord record);

  [[nodiscard]] std::optional<ExitRecord> exit() const;
  [[nodiscard]] bool panicked() const;
  /// Forgets what belongs to an earlier start.
  void reset();

  /// Waits for the end. Throws timeout, cancelled.
  ExitRecord wait_exit(const CallContext& call) const;
  /// The same without throwing: nothing when the deadline came first.
  std::optional<ExitRecord> exit_by(Deadline deadline) const;
  /// Waits until the guest has opened a port, or the VM ended (returns false).
  bool wait_port(const std::string& port, const CallContext& call) const;

  std::shared_ptr<EventQueue> subscribe();

 private:
  /// Waits with the mutex until `done`; wakes on changes and on cancellation.
  void wait(std::unique_lock<std::mutex>& lock, const CallContext& call, std::string_view what,
            const std::function<bool()>& done) const;
  void note_locked(const Event& event);
  void push_locked(const Event& event);

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::optional<ExitRecord> exit_;
  bool panicked_ = false;
  std::set<std::string> open_ports_;
  std::vector<std::weak_ptr<EventQueue>> subscribers_;
};

}  // namespace visor::sdk

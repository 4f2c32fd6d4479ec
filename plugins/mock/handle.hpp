// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "machine_file.hpp"
#include "visor/core/call.hpp"
#include "visor/core/events.hpp"
#include "visor/core/owner_lock.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace visor::mock {

/// What a VM handle and its consoles share: the way to the machine, the owner lock, the subscribers, and waiting.
/// [any thread]
class Handle {
 public:
  using Predicate = std::function<bool(const Machine&)>;
  using Change = std::function<void(Machine&, const Now&)>;

  explicit Handle(MachineFile file);
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle();

  /// The machine as it is now; hands new events to the subscribers.
  Machine look(const CallContext& call);
  /// Changes the machine; whoever waits looks again.
  Machine change(std::string_view operation, const CallContext& call, const Change& change);
  /// Waits until the machine is as asked; nothing when the deadline came first. Throws cancelled.
  std::optional<Machine> try_wait(const CallContext& call, const Predicate& predicate);
  /// The same, but throws timeout, too.
  Machine wait(const CallContext& call, std::string_view what, const Predicate& predicate);

  /// Takes the owner lock unless this handle has it. Throws busy, cancelled.
  void own(std::string_view operation, const CallContext& call);
  /// Whether this handle has the owner lock.
  [[nodiscard]] bool owns();
  std::shared_ptr<EventQueue> subscribe();
  /// Gives up the owner lock and ends the subscriptions.
  void release() noexcept;
  [[nodiscard]] const std::filesystem::path& run_dir() const noexcept { return file_.run_dir(); }

 private:
  void deliver(const Machine& machine);
  void wake();
  void pause(const CallContext& call, std::uint64_t seen_changes, Nanoseconds due);

  MachineFile file_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t changes_ = 0;
  bool acquiring_ = false;
  std::optional<OwnerLock> owner_;
  std::vector<std::weak_ptr<EventQueue>> subscribers_;
  std::uint64_t delivered_ = 0;  ///< number of the last event handed out
};

}  // namespace visor::mock

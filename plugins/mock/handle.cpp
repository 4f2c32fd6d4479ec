// SPDX-License-Identifier: Apache-2.0
#include "handle.hpp"

#include "visor/core/error.hpp"

#include <algorithm>
#include <utility>

namespace visor::mock {
namespace {

using namespace std::chrono_literals;
/// How long a change by another process may go unseen.
constexpr auto poll_interval = 20ms;

}  // namespace

Handle::Handle(MachineFile file) : file_{std::move(file)} { delivered_ = file_.look(5s).journal.next - 1; }

Handle::~Handle() { release(); }

Machine Handle::look(const CallContext& call) {
  auto machine = file_.look(call);
  deliver(machine);
  return machine;
}

Machine Handle::change(std::string_view operation, const CallContext& call, const Change& change) {
  auto machine = file_.change(operation, call, change);
  deliver(machine);
  wake();
  return machine;
}

void Handle::wake() {
  const std::scoped_lock lock{mutex_};
  ++changes_;
  changed_.notify_all();
}

std::optional<Machine> Handle::try_wait(const CallContext& call, const Predicate& predicate) {
  const CancelCallback on_cancel{call.cancel(), [this] { wake(); }};
  for (;;) {
    std::unique_lock lock{mutex_};
    const auto seen = changes_;
    lock.unlock();
    if (call.cancel().cancelled()) throw Error(Errc::cancelled, "The call was cancelled");
    auto machine = look(call);
    if (predicate(machine)) return machine;
    if (call.expired()) return std::nullopt;
    pause(call, seen, machine.next_due());
  }
}

Machine Handle::wait(const CallContext& call, std::string_view what, const Predicate& predicate) {
  auto machine = try_wait(call, predicate);
  if (!machine) throw Error(Errc::timeout, "Timed out while waiting for " + std::string{what});
  return std::move(*machine);
}

void Handle::pause(const CallContext& call, std::uint64_t seen_changes, Nanoseconds due) {
  auto until = std::min(call.deadline(), std::chrono::steady_clock::now() + poll_interval);
  until = std::min(until, Deadline{std::chrono::duration_cast<Deadline::duration>(due)});
  std::unique_lock lock{mutex_};
  changed_.wait_until(lock, until, [&] { return changes_ != seen_changes; });
}

void Handle::own(std::string_view operation, const CallContext& call) {
  const CancelCallback on_cancel{call.cancel(), [this] { wake(); }};
  std::unique_lock lock{mutex_};
  // One thread at a time asks for the lock: two would hold each other off until the deadline.
  while (acquiring_) {
    call.check("another thread that waits for the VM's owner");
    changed_.wait_until(lock, call.deadline());
  }
  if (owner_) return;
  acquiring_ = true;
  lock.unlock();
  std::optional<OwnerLock> owner;
  std::exception_ptr failure;
  try {
    owner = OwnerLock::acquire(file_.run_dir(), operation, call);
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  acquiring_ = false;
  owner_ = std::move(owner);
  changed_.notify_all();
  if (failure) std::rethrow_exception(failure);
}

bool Handle::owns() {
  const std::scoped_lock lock{mutex_};
  return owner_.has_value();
}

std::shared_ptr<EventQueue> Handle::subscribe() {
  const auto machine = look(5s);  // what happened until now is not for the new one
  auto queue = std::make_shared<EventQueue>();
  if (machine.ended()) {
    queue->close();
    return queue;
  }
  const std::scoped_lock lock{mutex_};
  subscribers_.push_back(queue);
  return queue;
}

void Handle::deliver(const Machine& machine) {
  const std::scoped_lock lock{mutex_};
  std::erase_if(subscribers_, [](const auto& subscriber) { return subscriber.expired(); });
  const auto push = [this](const Event& event) {
    for (const auto& subscriber : subscribers_) {
      if (const auto queue = subscriber.lock()) queue->push(event);
    }
  };
  const auto& entries = machine.journal.entries;
  if (!entries.empty() && entries.front().sequence > delivered_ + 1) {
    push({EventKind::resynced, std::string{to_string(EventKind::resynced)}, {}, entries.front().time, 0});
  }
  for (const auto& event : entries) {
    if (event.sequence <= delivered_) continue;
    push(event);
    delivered_ = event.sequence;
  }
  if (entries.empty() || entries.back().kind != EventKind::exited) return;
  for (const auto& subscriber : std::exchange(subscribers_, {})) {
    if (const auto queue = subscriber.lock()) queue->close();
  }
}

void Handle::release() noexcept {
  const std::scoped_lock lock{mutex_};
  for (const auto& subscriber : std::exchange(subscribers_, {})) {
    if (const auto queue = subscriber.lock()) queue->close();
  }
  owner_.reset();
}

}  // namespace visor::mock

// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/vm_tracker.hpp"

#include "visor/core/error.hpp"
#include "visor/sdk/exit.hpp"

#include <utility>

namespace visor::sdk {
namespace {

Event make_event(EventKind kind, Value data, std::chrono::system_clock::time_point time) {
  Event event;
  event.kind = kind;
  event.name = to_string(kind);
  event.data = std::move(data);
  event.time = time;
  return event;
}

Event state_event(VmState state, std::chrono::system_clock::time_point time) {
  return make_event(EventKind::state_changed, Value::map({{"state", to_string(state)}}), time);
}

/// What the guest did when a VM ended from this cause; `other` when it was not the guest.
EventKind guest_event(ExitCause cause) {
  if (cause == ExitCause::guest_panic) return EventKind::guest_panicked;
  if (cause == ExitCause::guest_shutdown) return EventKind::guest_shutdown;
  if (cause == ExitCause::guest_reset) return EventKind::guest_reset;
  return EventKind::other;
}

}  // namespace

VmTracker::~VmTracker() {
  for (const auto& subscriber : subscribers_) {
    if (const auto queue = subscriber.lock()) queue->close();
  }
}

void VmTracker::push_locked(const Event& event) {
  std::erase_if(subscribers_, [&](const auto& subscriber) {
    const auto queue = subscriber.lock();
    if (queue) queue->push(event);
    return !queue;
  });
}

void VmTracker::note_locked(const Event& event) {
  seen_.insert(event.kind);
  // A reset that the guest survives is a RESET; only a SHUTDOWN says that it was the end.
  reset_ended_ |= event.kind == EventKind::guest_reset && event.name == "SHUTDOWN";
  if (event.kind == EventKind::port_opened) {
    const auto& port = event.data.at("port").as_string();
    if (event.data.at("open").as_bool()) {
      open_ports_.insert(port);
    } else {
      open_ports_.erase(port);
    }
  }
  changed_.notify_all();
}

void VmTracker::note(const Event& event) {
  const std::scoped_lock lock{mutex_};
  note_locked(event);
}

void VmTracker::on_event(const Event& event) {
  const std::scoped_lock lock{mutex_};
  note_locked(event);
  push_locked(event);
  if (open_ports_.contains(ready_port_)) tell_ready_locked();
}

void VmTracker::expect_port(std::string port) {
  const std::scoped_lock lock{mutex_};
  ready_port_ = std::move(port);
}

void VmTracker::expect_stop() {
  const std::scoped_lock lock{mutex_};
  stop_expected_ = true;
}

bool VmTracker::stop_expected() const {
  const std::scoped_lock lock{mutex_};
  return stop_expected_;
}

void VmTracker::on_ready() {
  const std::scoped_lock lock{mutex_};
  tell_ready_locked();
}

void VmTracker::tell_ready_locked() {
  if (seen_.insert(EventKind::guest_ready).second) {
    push_locked(make_event(EventKind::guest_ready, {}, std::chrono::system_clock::now()));
  }
}

void VmTracker::on_state(VmState state) { on_event(state_event(state, std::chrono::system_clock::now())); }

void VmTracker::on_responsive(bool responsive) {
  const std::scoped_lock lock{mutex_};
  if (exit_ || std::exchange(responsive_, responsive) == responsive) return;
  push_locked(make_event(EventKind::responsive_changed, Value::map({{"responsive", responsive}}),
                         std::chrono::system_clock::now()));
}

bool VmTracker::responsive() const {
  const std::scoped_lock lock{mutex_};
  return responsive_;
}

void VmTracker::on_exit(visor::ExitRecord record) {
  const std::scoped_lock lock{mutex_};
  if (exit_) return;
  exit_ = std::move(record);
  if (!unfinished_) tell_end_locked();
  changed_.notify_all();
}

void VmTracker::tell_end_locked() {
  const auto guest = guest_event(exit_->cause);
  if (guest != EventKind::other && !seen_.contains(guest)) push_locked(make_event(guest, {}, exit_->time));
  push_locked(state_event(final_state(*exit_), exit_->time));
  push_locked(make_event(EventKind::exited, Value::map({{"cause", to_string(exit_->cause)}, {"text", exit_->text}}),
                         exit_->time));
  for (const auto& subscriber : subscribers_) {
    if (const auto queue = subscriber.lock()) queue->close();
  }
  subscribers_.clear();
}

std::optional<visor::ExitRecord> VmTracker::exit() const {
  const std::scoped_lock lock{mutex_};
  return over_locked() ? exit_ : std::nullopt;
}

bool VmTracker::saw(EventKind kind) const {
  const std::scoped_lock lock{mutex_};
  return seen_.contains(kind);
}

bool VmTracker::reset_ended() const {
  const std::scoped_lock lock{mutex_};
  return reset_ended_;
}

void VmTracker::reset_locked(bool unfinished) {
  unfinished_ = unfinished;
  stop_expected_ = false;
  responsive_ = true;
  exit_.reset();
  seen_.clear();
  reset_ended_ = false;
  open_ports_.clear();
}

void VmTracker::reset() {
  const std::scoped_lock lock{mutex_};
  reset_locked(false);
}

void VmTracker::begin() {
  const std::scoped_lock lock{mutex_};
  reset_locked(true);
}

void VmTracker::started() {
  const std::scoped_lock lock{mutex_};
  if (!std::exchange(unfinished_, false) || !exit_) return;
  tell_end_locked();
  changed_.notify_all();
}

std::uint64_t VmTracker::interruptions() const {
  const std::scoped_lock lock{mutex_};
  return interruptions_;
}

void VmTracker::interrupt() {
  const std::scoped_lock lock{mutex_};
  ++interruptions_;
  changed_.notify_all();
}

std::optional<visor::ExitRecord> VmTracker::wait(const CallContext& call, std::string_view what,
                                                 const std::function<bool()>& done) const {
  // Before the lock: see EventQueue::next().
  const CancelCallback wake{call.cancel(), [this] {
                              const std::scoped_lock lock{mutex_};
                              changed_.notify_all();
                            }};
  std::unique_lock lock{mutex_};
  while (!done()) {
    call.check(what);
    changed_.wait_until(lock, call.deadline());
  }
  return over_locked() ? exit_ : std::nullopt;
}

visor::ExitRecord VmTracker::wait_exit(const CallContext& call) const {
  return *wait(call, "the VM to end", [this] { return over_locked(); });
}

std::optional<visor::ExitRecord> VmTracker::wait_exit(const CallContext& call, std::uint64_t interruptions) const {
  return wait(call, "the VM to end", [&] { return over_locked() || interruptions_ != interruptions; });
}

std::optional<visor::ExitRecord> VmTracker::exit_by(Deadline deadline) const {
  std::unique_lock lock{mutex_};
  changed_.wait_until(lock, deadline, [this] { return exit_.has_value(); });
  return exit_;
}

bool VmTracker::wait_port(const std::string& port, const CallContext& call) const {
  return !wait(call, "the guest to open port '" + port + "'",
               [&] { return over_locked() || open_ports_.contains(port); });
}

std::shared_ptr<EventQueue> VmTracker::subscribe() {
  auto queue = std::make_shared<EventQueue>();
  const std::scoped_lock lock{mutex_};
  if (over_locked()) {
    queue->close();
  } else {
    subscribers_.push_back(queue);
  }
  return queue;
}

visor::ExitRecord explain_unwitnessed(const VmTracker& seen) {
  auto out = unwitnessed_exit();
  const auto say = [&](ExitCause cause, std::string_view text) {
    out.cause = cause;
    out.text = text;
  };
  if (seen.panicked()) {
    say(ExitCause::guest_panic, "The guest kernel panicked; the keeper had died");
  } else if (seen.saw(EventKind::guest_shutdown)) {
    say(ExitCause::guest_shutdown, "The guest powered itself off; the keeper had died");
  } else if (seen.reset_ended()) {
    say(ExitCause::guest_reset, "The guest asked for a reset; the keeper had died");
  } else if (seen.stop_expected()) {
    say(ExitCause::stopped, "It was stopped; its keeper had died");
  }
  return out;
}

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#include "tracker.hpp"

#include "visor/core/error.hpp"

#include <utility>

namespace visor::sdk {
namespace {

Event exited_event(const ExitRecord& record) {
  Event event;
  event.kind = EventKind::exited;
  event.name = to_string(EventKind::exited);
  event.data = Value::map({{"cause", to_string(record.cause)}, {"text", record.text}});
  event.time = record.time;
  return event;
}

}  // namespace

Tracker::~Tracker() {
  for (const auto& subscriber : subscribers_) {
    if (const auto queue = subscriber.lock()) queue->close();
  }
}

void Tracker::push_locked(const Event& event) {
  std::erase_if(subscribers_, [&](const auto& subscriber) {
    const auto queue = subscriber.lock();
    if (queue) queue->push(event);
    return !queue;
  });
}

void Tracker::note_locked(const Event& event) {
  if (event.kind == EventKind::guest_panicked) panicked_ = true;
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

void Tracker::note(const Event& event) {
  const std::scoped_lock lock{mutex_};
  note_locked(event);
}

void Tracker::on_event(const Event& event) {
  const std::scoped_lock lock{mutex_};
  note_locked(event);
  push_locked(event);
}

void Tracker::on_exit(ExitRecord record) {
  const std::scoped_lock lock{mutex_};
  if (exit_) return;
  exit_ = std::move(record);
  push_locked(exited_event(*exit_));
  for (const auto& subscriber : subscribers_) {
    if (const auto queue = subscriber.lock()) queue->close();
  }
  subscribers_.clear();
  changed_.notify_all();
}

std::optional<ExitRecord> Tracker::exit() const {
  const std::scoped_lock lock{mutex_};
  return exit_;
}

bool Tracker::panicked() const {
  const std::scoped_lock lock{mutex_};
  return panicked_;
}

void Tracker::reset() {
  const std::scoped_lock lock{mutex_};
  exit_.reset();
  panicked_ = false;
  open_ports_.clear();
}

void Tracker::wait(std::unique_lock<std::mutex>& lock, const CallContext& call, std::string_view what,
                   const std::function<bool()>& done) const {
  while (!done()) {
    call.check(what);
    changed_.wait_until(lock, call.deadline());
  }
}

ExitRecord Tracker::wait_exit(const CallContext& call) const {
  // Before the lock: see EventQueue::next().
  const CancelCallback wake{call.cancel(), [this] {
                              const std::scoped_lock lock{mutex_};
                              changed_.notify_all();
                            }};
  std::unique_lock lock{mutex_};
  wait(lock, call, "the VM to end", [this] { return exit_.has_value(); });
  return *exit_;
}

std::optional<ExitRecord> Tracker::exit_by(Deadline deadline) const {
  std::unique_lock lock{mutex_};
  changed_.wait_until(lock, deadline, [this] { return exit_.has_value(); });
  return exit_;
}

bool Tracker::wait_port(const std::string& port, const CallContext& call) const {
  const CancelCallback wake{call.cancel(), [this] {
                              const std::scoped_lock lock{mutex_};
                              changed_.notify_all();
                            }};
  std::unique_lock lock{mutex_};
  wait(lock, call, "the guest to open port '" + port + "'",
       [&] { return exit_.has_value() || open_ports_.contains(port); });
  return !exit_.has_value();
}

std::shared_ptr<EventQueue> Tracker::subscribe() {
  auto queue = std::make_shared<EventQueue>();
  const std::scoped_lock lock{mutex_};
  if (exit_) {
    queue->push(exited_event(*exit_));
    queue->close();
  } else {
    subscribers_.push_back(queue);
  }
  return queue;
}

}  // namespace visor::sdk

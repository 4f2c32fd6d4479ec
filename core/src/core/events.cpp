// SPDX-License-Identifier: Apache-2.0
#include "visor/core/events.hpp"

#include "visor/core/error.hpp"
#include "visor/core/unique_fd.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

namespace visor {

std::string_view to_string(EventKind kind) noexcept {
  constexpr std::array<std::string_view, 12> names = {
      "other",          "state_changed",  "guest_panicked", "guest_reset", "guest_shutdown", "guest_ready",
      "device_removed", "unplug_refused", "port_opened",    "exited",      "resynced",       "responsive_changed"};
  const auto index = static_cast<std::size_t>(kind);
  return index < names.size() ? names[index] : names[0];
}

struct EventQueue::Impl {
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::deque<Event> events;
  std::size_t capacity = 0;
  std::uint64_t sequence = 0;
  std::uint64_t dropped = 0;
  bool closed = false;
  UniqueFd ready;

  /// Called with the mutex held: the descriptor is readable exactly while something can be taken.
  void show_ready(bool on) const noexcept {
    if (on) {
      (void)::eventfd_write(ready.get(), 1);
    } else {
      eventfd_t ignored = 0;
      (void)::eventfd_read(ready.get(), &ignored);
    }
  }

  std::optional<Event> take() {
    if (events.empty()) return std::nullopt;
    auto event = std::move(events.front());
    events.pop_front();
    if (events.empty() && !closed) show_ready(false);
    return event;
  }
};

EventQueue::EventQueue(std::size_t capacity) : impl_{std::make_unique<Impl>()} {
  impl_->capacity = std::max<std::size_t>(capacity, 1);
  impl_->ready.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!impl_->ready) throw system_error("Cannot create an event queue", errno);
}

EventQueue::~EventQueue() = default;

std::optional<Event> EventQueue::next(const CallContext& call) {
  // Registered before the lock is taken: the callback takes the lock, and its destructor waits for the callback.
  const CancelCallback wake{call.cancel(), [this] {
                              const std::scoped_lock lock{impl_->mutex};
                              impl_->changed.notify_all();
                            }};
  std::unique_lock lock{impl_->mutex};
  while (impl_->events.empty() && !impl_->closed) {
    call.check("an event");
    impl_->changed.wait_until(lock, call.deadline());
  }
  return impl_->take();
}

std::optional<Event> EventQueue::try_next() {
  const std::scoped_lock lock{impl_->mutex};
  return impl_->take();
}

std::uint64_t EventQueue::dropped() const noexcept {
  const std::scoped_lock lock{impl_->mutex};
  return impl_->dropped;
}

int EventQueue::poll_fd() const noexcept { return impl_->ready.get(); }

void EventQueue::push(Event event) {
  const std::scoped_lock lock{impl_->mutex};
  if (impl_->closed) return;
  event.sequence = ++impl_->sequence;
  if (impl_->events.size() == impl_->capacity) {
    impl_->events.pop_front();
    ++impl_->dropped;
  }
  impl_->events.push_back(std::move(event));
  impl_->show_ready(true);
  impl_->changed.notify_all();
}

void EventQueue::close() noexcept {
  const std::scoped_lock lock{impl_->mutex};
  impl_->closed = true;
  impl_->show_ready(true);
  impl_->changed.notify_all();
}

}  // namespace visor

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
  constexpr std::array<std::string_view, 13> names = {
      "other",       "state_changed",      "guest_panicked", "guest_reset", "guest_shutdown",
      "guest_ready", "device_removed",     "unplug_refused", "port_opened", "exited",
      "resynced",    "responsive_changed", "helper_exited"};
  const auto index = static_cast<std::size_t>(kind);
  return index < names.size() ? names[index] : names[0];
}

namespace {

/// About what it takes in memory.
std::size_t size_of(const Value& value) {
  auto size = sizeof(Value);
  if (value.is_string()) size += value.as_string().size();
  if (value.is_list()) {
    for (const auto& item : value.as_list()) size += size_of(item);
  }
  if (value.is_map()) {
    for (const auto& [key, member] : value.as_map()) size += sizeof(std::string) + key.size() + size_of(member);
  }
  return size;
}

std::size_t size_of(const Event& event) {
  return sizeof(Event) - sizeof(Value) + event.name.size() + size_of(event.data);
}

}  // namespace

struct EventQueue::Impl {
  struct Waiting {
    Event event;
    std::size_t bytes = 0;
  };

  mutable std::mutex mutex;
  std::condition_variable changed;
  std::deque<Waiting> events;
  std::size_t bytes = 0;  // of all that wait; never more than max_bytes
  std::size_t capacity = 0;
  std::size_t max_bytes = 0;
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

  void remove_first() noexcept {
    bytes -= events.front().bytes;
    events.pop_front();
  }

  void make_room(std::size_t wanted) noexcept {
    while (events.size() == capacity || wanted > max_bytes - bytes) {
      remove_first();
      ++dropped;
    }
  }

  std::optional<Event> take() {
    if (events.empty()) return std::nullopt;
    auto event = std::move(events.front().event);
    remove_first();
    if (events.empty() && !closed) show_ready(false);
    return event;
  }
};

EventQueue::EventQueue(std::size_t capacity, std::size_t max_bytes) : impl_{std::make_unique<Impl>()} {
  impl_->capacity = std::max<std::size_t>(capacity, 1);
  impl_->max_bytes = max_bytes;
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
  const auto bytes = size_of(event);
  const std::scoped_lock lock{impl_->mutex};
  if (impl_->closed) return;
  event.sequence = ++impl_->sequence;
  if (bytes > impl_->max_bytes) {
    ++impl_->dropped;
    return;
  }
  impl_->make_room(bytes);
  impl_->events.push_back({std::move(event), bytes});
  impl_->bytes += bytes;
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

// SPDX-License-Identifier: Apache-2.0
#include "event_feed.hpp"

#include <algorithm>
#include <utility>

namespace visor::sdk {
namespace {

/// A time of arrival differs from one reading of an event to the next: it is not compared.
bool same(const Event& one, const Event& other) {
  return one.time_known == other.time_known && (!one.time_known || one.time == other.time) && one.name == other.name &&
         one.data == other.data;
}

bool holds(const std::vector<Event>& events, const Event& event) {
  return std::any_of(events.begin(), events.end(), [&](const Event& other) { return same(other, event); });
}

/// The part of a journal that comes after an event. A journal that no longer has it, or not yet, is cut by time; an
/// event whose time is not known goes with those before it.
std::vector<Event> after(const std::vector<Event>& events, const std::optional<Event>& last) {
  if (!last) return events;
  const auto found =
      std::find_if(events.rbegin(), events.rend(), [&](const Event& other) { return same(other, *last); });
  if (found != events.rend()) return {found.base(), events.end()};
  std::vector<Event> newer;
  for (const auto& event : events) {
    if (event.time_known ? event.time > last->time : !newer.empty()) newer.push_back(event);
  }
  return newer;
}

}  // namespace

void EventFeed::begin() {
  const std::scoped_lock lock{mutex_};
  primed_ = true;
  last_.reset();
  held_.reset();
  lost_ = 0;
  told_.clear();
}

void EventFeed::live(const Event& event) {
  const std::scoped_lock lock{mutex_};
  if (held_) {
    held_->push(event);
  } else if (!holds(told_, event)) {
    told_.clear();  // in both sources the order is the same: what follows was not in the journal either
    tell_locked(event);
  }
}

void EventFeed::hold_events() {
  const std::scoped_lock lock{mutex_};
  held_ = std::make_unique<EventQueue>();
}

void EventFeed::past(const std::vector<Event>& events) {
  const std::scoped_lock lock{mutex_};
  const bool first = !std::exchange(primed_, true);
  for (const auto& event : after(events, last_)) {
    if (first) {
      tracker_->note(event);
      last_ = event;
    } else {
      tell_locked(event);
    }
  }
  told_ = events;
}

void EventFeed::release_events() noexcept try {
  const std::scoped_lock lock{mutex_};
  const auto held = std::exchange(held_, nullptr);
  if (!held) return;  // begun anew
  lost_ += held->dropped();
  while (const auto event = held->try_next()) {
    if (holds(told_, *event)) continue;  // from the journal, or from the session that this one replaces
    told_.push_back(*event);
    tell_locked(*event);
  }
} catch (...) {  // no memory; those that follow have another chance
}

std::uint64_t EventFeed::take_lost() {
  const std::scoped_lock lock{mutex_};
  return std::exchange(lost_, 0);
}

void EventFeed::tell_locked(const Event& event) {
  last_ = event;
  tracker_->on_event(event);
}

}  // namespace visor::sdk

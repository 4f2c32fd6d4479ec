// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/events.hpp"
#include "visor/sdk/vm_tracker.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace visor::sdk {

/// Feeds a tracker from a journal of the past and a monitor of the present: each event once, the oldest first. An event
/// is known by its name, data and, where the source gave one, its time, since a monitor gives no numbers. [any thread]
/// [nothing blocks]
class EventFeed {
 public:
  explicit EventFeed(std::shared_ptr<VmTracker> tracker) : tracker_{std::move(tracker)} {}

  /// A hypervisor without a past: all events come live.
  void begin();
  /// An event as it happens.
  void live(const Event& event);
  /// Makes live events wait while it lives; they follow when it goes, however that is.
  class [[nodiscard]] Hold {
   public:
    explicit Hold(EventFeed& feed) : feed_{feed} { feed_.hold_events(); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold() { feed_.release_events(); }

   private:
    EventFeed& feed_;
  };
  /// From now on live events wait: before a new monitor is connected. One at a time.
  Hold hold() { return Hold{*this}; }
  /// How many events that waited were dropped since this was last asked, because they were too many (see EventQueue).
  /// A journal may have told some of them.
  std::uint64_t take_lost();
  /// A journal; it must be read after the new monitor was connected. What was fed before is skipped; of a handle's
  /// first journal the tracker only takes note, the rest is told.
  void past(const std::vector<Event>& events);

 private:
  void hold_events();
  void release_events() noexcept;
  void tell_locked(const Event& event);

  std::shared_ptr<VmTracker> tracker_;
  std::mutex mutex_;
  bool primed_ = false;  // something was fed: the past continues it
  std::optional<Event> last_;
  std::unique_ptr<EventQueue> held_;  // while events wait
  std::uint64_t lost_ = 0;
  std::vector<Event> told_;  // what a monitor may still bring a second time
};

}  // namespace visor::sdk

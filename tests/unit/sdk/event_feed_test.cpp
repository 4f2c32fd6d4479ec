// SPDX-License-Identifier: Apache-2.0
#include "qemu/event_feed.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <new>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

Event at(int second, const std::string& name) {
  Event event;
  event.name = name;
  event.time = std::chrono::system_clock::time_point{std::chrono::seconds{second}};
  return event;
}

/// As each reading of an event without a usable time gives it: with the time of that reading.
Event arrived_at(int second, const std::string& name) {
  auto event = at(second, name);
  event.time_known = false;
  return event;
}

class Feed : public ::testing::Test {
 protected:
  /// What the subscriber heard since it was last asked.
  std::vector<std::string> heard() {
    std::vector<std::string> names;
    while (const auto event = queue_->try_next()) names.push_back(event->name);
    return names;
  }

  void hold() { hold_ = std::make_unique<EventFeed::Hold>(feed_); }
  void release() { hold_.reset(); }

  using Names = std::vector<std::string>;
  std::shared_ptr<VmTracker> tracker_ = std::make_shared<VmTracker>();
  std::shared_ptr<EventQueue> queue_ = tracker_->subscribe();
  EventFeed feed_{tracker_};
  std::unique_ptr<EventFeed::Hold> hold_;
};

TEST_F(Feed, OfTheFirstJournalIsOnlyTakenNote) {
  auto panic = at(1, "GUEST_PANICKED");
  panic.kind = EventKind::guest_panicked;
  feed_.past({panic});
  EXPECT_TRUE(tracker_->panicked());
  EXPECT_EQ(heard(), Names{});
  feed_.live(at(2, "STOP"));
  EXPECT_EQ(heard(), Names{"STOP"});
}

TEST_F(Feed, WhatAMonitorAndAJournalBothHaveIsToldOnceAndInOrder) {
  feed_.past({at(1, "A")});
  feed_.live(at(2, "B"));
  hold();
  feed_.live(at(4, "D"));  // the new monitor is ahead of the journal's reading
  feed_.live(at(5, "E"));
  EXPECT_EQ(heard(), Names{"B"});
  feed_.past({at(1, "A"), at(2, "B"), at(3, "C"), at(4, "D")});
  release();
  EXPECT_EQ(heard(), (Names{"C", "D", "E"}));
}

TEST_F(Feed, TheMonitorMayComeBehindTheJournal) {
  feed_.begin();
  hold();
  feed_.past({at(1, "A"), at(2, "B")});
  release();
  feed_.live(at(1, "A"));
  feed_.live(at(2, "B"));
  feed_.live(at(3, "C"));
  EXPECT_EQ(heard(), (Names{"A", "B", "C"}));
}

TEST_F(Feed, TwoSessionsThatOverlapTellOnce) {
  feed_.begin();
  hold();
  feed_.live(at(1, "A"));  // by the old one
  feed_.live(at(1, "A"));  // by the new one
  feed_.past({});
  release();
  EXPECT_EQ(heard(), Names{"A"});
}

TEST_F(Feed, WithoutAJournalNothingIsLost) {
  feed_.begin();
  hold();
  feed_.live(at(1, "A"));
  release();
  feed_.live(at(2, "B"));
  EXPECT_EQ(heard(), (Names{"A", "B"}));
}

TEST_F(Feed, NothingWaitsAfterAHoldThatAnExceptionEnded) {
  feed_.begin();
  EXPECT_THROW(
      {
        const auto hold = feed_.hold();
        feed_.live(at(1, "A"));
        throw std::bad_alloc{};
      },
      std::bad_alloc);
  feed_.live(at(2, "B"));
  EXPECT_EQ(heard(), (Names{"A", "B"}));
}

TEST_F(Feed, OfTooManyThatWaitTheOldestAreDroppedAndCounted) {
  constexpr int room = static_cast<int>(EventQueue::default_capacity);
  feed_.begin();
  hold();
  for (int i = 1; i <= room + 3; ++i) feed_.live(at(i, std::to_string(i)));
  release();
  const auto names = heard();
  ASSERT_EQ(names.size(), EventQueue::default_capacity);
  EXPECT_EQ(names.front(), "4");
  EXPECT_EQ(names.back(), std::to_string(room + 3));
  EXPECT_EQ(feed_.take_lost(), 3U);
  EXPECT_EQ(feed_.take_lost(), 0U);
}

TEST_F(Feed, LargeOnesThatWaitAreBoundedByTheirSize) {
  feed_.begin();
  hold();
  auto large = at(1, "A");
  large.data = Value::map({{"text", std::string(EventQueue::default_max_bytes / 2, 'x')}});
  feed_.live(large);
  large.time += 1s;
  feed_.live(large);
  release();
  EXPECT_EQ(heard(), Names{"A"});
  EXPECT_EQ(feed_.take_lost(), 1U);
}

TEST_F(Feed, AJournalThatIsBehindOrTooShortRepeatsNothing) {
  feed_.begin();
  feed_.live(at(1, "A"));
  feed_.live(at(2, "B"));
  feed_.past({at(1, "A")});
  EXPECT_EQ(heard(), (Names{"A", "B"}));
  feed_.past({at(3, "C")});
  EXPECT_EQ(heard(), Names{"C"});
}

TEST_F(Feed, AnEventOfUnknownTimeIsToldOnce) {
  feed_.begin();
  feed_.live(arrived_at(1, "A"));
  hold();
  feed_.live(arrived_at(4, "B"));
  feed_.past({arrived_at(8, "A"), arrived_at(9, "B")});
  release();
  EXPECT_EQ(heard(), (Names{"A", "B"}));
  feed_.past({at(1, "C"), arrived_at(10, "D"), at(6, "E"), arrived_at(10, "F")});
  EXPECT_EQ(heard(), Names{}) << "none is newer than the reading of B";
}

TEST_F(Feed, OfAJournalThatLacksTheLastEventOneOfUnknownTimeGoesWithThoseBeforeIt) {
  feed_.begin();
  feed_.live(at(3, "A"));
  feed_.past({arrived_at(9, "old"), at(2, "B"), arrived_at(9, "old too"), at(4, "C"), arrived_at(9, "D")});
  EXPECT_EQ(heard(), (Names{"A", "C", "D"}));
}

TEST_F(Feed, SameNameAndTimeWithOtherDataIsAnotherEvent) {
  auto one = at(1, "A");
  one.data = Value::map({{"port", "p0"}});
  auto other = at(1, "A");
  other.data = Value::map({{"port", "p1"}});
  feed_.begin();
  hold();
  feed_.live(other);
  feed_.past({one});
  release();
  EXPECT_EQ(heard(), (Names{"A", "A"}));
}

}  // namespace
}  // namespace visor::sdk

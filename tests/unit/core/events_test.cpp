// SPDX-License-Identifier: Apache-2.0
#include "visor/core/events.hpp"

#include "support.hpp"

#include <poll.h>

#include <thread>

namespace visor {
namespace {

using namespace std::chrono_literals;
using testing::expect_error;

Event named(const char* name) {
  Event event;
  event.name = name;
  return event;
}

Event sized(const char* name, std::size_t bytes) {
  auto event = named(name);
  event.data = Value::map({{"text", std::string(bytes, 'x')}});
  return event;
}

bool readable(const EventQueue& queue) {
  pollfd one{queue.poll_fd(), POLLIN, 0};
  return ::poll(&one, 1, 0) == 1 && (one.revents & POLLIN) != 0;
}

TEST(Events, ComeInOrderAndCounted) {
  EventQueue queue;
  queue.push(named("a"));
  queue.push(named("b"));
  const auto first = queue.next(1s);
  const auto second = queue.try_next();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->name + second->name, "ab");
  EXPECT_EQ(first->sequence, 1U);
  EXPECT_EQ(second->sequence, 2U);
  EXPECT_FALSE(queue.try_next());
}
TEST(Events, TheOldestAreDroppedAndCounted) {
  EventQueue queue{2};
  for (const auto* name : {"a", "b", "c"}) queue.push(named(name));
  EXPECT_EQ(queue.dropped(), 1U);
  EXPECT_EQ(queue.try_next()->sequence, 2U);
}
TEST(Events, TheOldestAreDroppedAlsoByTheirSize) {
  EventQueue queue{100, 4096};
  for (const auto* name : {"a", "b"}) queue.push(sized(name, 1000));
  queue.push(named("c"));
  EXPECT_EQ(queue.dropped(), 0U);
  queue.push(sized("d", 3000));  // needs the room of both
  EXPECT_EQ(queue.dropped(), 2U);
  EXPECT_EQ(queue.try_next()->name, "c");
  EXPECT_EQ(queue.try_next()->name, "d");
  EXPECT_FALSE(readable(queue));
  for (const auto* name : {"e", "f"}) queue.push(sized(name, 1500));  // what was taken counts no more
  EXPECT_EQ(queue.dropped(), 2U);
}
TEST(Events, EveryPartOfTheDataCountsForTheSize) {
  const std::string text(1000, 'x');
  const auto long_name = named(text.c_str());
  for (const auto& data : {Value{text}, Value::list({text}), Value::map({{"key", text}}), Value::map({{text, 1}}),
                           Value::map({{"a", Value::list({Value::map({{"b", text}})})}})}) {
    EventQueue queue{100, 1000};
    auto event = named("a");
    event.data = data;
    queue.push(event);
    EXPECT_EQ(queue.dropped(), 1U);
  }
  EventQueue queue{100, 1000};
  queue.push(long_name);
  EXPECT_EQ(queue.dropped(), 1U);
}
TEST(Events, OneThatIsTooLargeByItselfIsDroppedAndThoseThatWaitStay) {
  EventQueue queue{100, 4096};
  queue.push(named("a"));
  queue.push(sized("b", 5000));
  queue.push(named("c"));
  EXPECT_EQ(queue.dropped(), 1U);
  EXPECT_EQ(queue.try_next()->sequence, 1U);
  EXPECT_EQ(queue.try_next()->sequence, 3U);
}
TEST(Events, ByDefaultManyLargeOnesAreBounded) {
  EventQueue queue;
  for (int i = 0; i < 40; ++i) queue.push(sized("a", std::size_t{1} << 20U));
  std::size_t bytes = 0;
  while (const auto event = queue.try_next()) bytes += event->data.at("text").as_string().size();
  EXPECT_LE(bytes, EventQueue::default_max_bytes);
  EXPECT_GE(bytes, EventQueue::default_max_bytes / 2);
}
TEST(Events, ACapacityOfNothingHoldsOne) {
  EventQueue queue{0};
  queue.push(named("a"));
  EXPECT_TRUE(queue.try_next());
}
TEST(Events, WaitingEndsAtTheDeadline) {
  EventQueue queue;
  expect_error(Errc::timeout, "an event", [&] { queue.next(1ms); });
}
TEST(Events, WaitingEndsByCancellation) {
  EventQueue queue;
  CancelSource source;
  std::thread canceller{[&] { source.cancel(); }};
  expect_error(Errc::cancelled, "an event", [&] { queue.next({Deadline::max(), source.token()}); });
  canceller.join();
}
TEST(Events, WaitingEndsByAnEvent) {
  EventQueue queue;
  std::thread producer{[&] { queue.push(named("a")); }};
  EXPECT_EQ(queue.next(1h)->name, "a");
  producer.join();
}
TEST(Events, ClosingLetsTheRestBeRead) {
  EventQueue queue;
  queue.push(named("a"));
  queue.close();
  queue.push(named("late"));
  EXPECT_EQ(queue.next(1s)->name, "a");
  EXPECT_FALSE(queue.next(1s));
}
TEST(Events, ClosingEndsAWait) {
  EventQueue queue;
  std::thread closer{[&] { queue.close(); }};
  EXPECT_FALSE(queue.next(1h));
  closer.join();
}
TEST(Events, TheDescriptorFollowsTheQueue) {
  EventQueue queue;
  EXPECT_FALSE(readable(queue));
  queue.push(named("a"));
  queue.push(named("b"));
  EXPECT_TRUE(readable(queue));
  static_cast<void>(queue.try_next());
  EXPECT_TRUE(readable(queue));
  static_cast<void>(queue.try_next());
  EXPECT_FALSE(readable(queue));
  queue.close();
  EXPECT_TRUE(readable(queue));
  EXPECT_FALSE(queue.try_next());
  EXPECT_TRUE(readable(queue));
}
TEST(Events, KindsHaveNames) {
  EXPECT_EQ(to_string(EventKind::other), "other");
  EXPECT_EQ(to_string(EventKind::resynced), "resynced");
  EXPECT_EQ(to_string(EventKind::responsive_changed), "responsive_changed");
  EXPECT_EQ(to_string(EventKind::helper_exited), "helper_exited");
  EXPECT_EQ(to_string(static_cast<EventKind>(99)), "other");
}

}  // namespace
}  // namespace visor

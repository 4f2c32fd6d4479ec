// SPDX-License-Identifier: Apache-2.0
#include "qemu/qmp_events.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/vm_tracker.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

Event event(const std::string& name, const std::string& data) {
  auto read = event_from_line(R"({"event":")" + name + R"(","data":)" + data +
                              R"(,"timestamp":{"seconds":1,"microseconds":250000}})");
  EXPECT_TRUE(read);
  return read.value_or(Event{});
}

TEST(QmpEvents, AreGivenTheirMeaning) {
  EXPECT_EQ(event("SHUTDOWN", R"({"guest":true,"reason":"guest-shutdown"})").kind, EventKind::guest_shutdown);
  EXPECT_EQ(event("SHUTDOWN", R"({"guest":true,"reason":"guest-reset"})").kind, EventKind::guest_reset);
  EXPECT_EQ(event("RESET", R"({"guest":false,"reason":"host-qmp-system-reset"})").kind, EventKind::other);
  EXPECT_EQ(event("GUEST_PANICKED", R"({"action":"pause"})").kind, EventKind::guest_panicked);
  EXPECT_EQ(event("DEVICE_DELETED", R"({"device":"d0","path":"/p"})").kind, EventKind::device_removed);
  EXPECT_EQ(event("DEVICE_DELETED", R"({"path":"/machine/peripheral/d0/virtio-backend"})").kind, EventKind::other);
  EXPECT_EQ(event("DEVICE_UNPLUG_GUEST_ERROR", R"({"device":"d0"})").kind, EventKind::unplug_refused);
  EXPECT_EQ(event("STOP", "{}").data.at("state").as_string(), "paused");
  EXPECT_EQ(event("VSERPORT_CHANGE", R"({"id":"p0","open":true})").data.at("port").as_string(), "p0");
  EXPECT_EQ(event("STOP", "{}").time.time_since_epoch(), 1250ms);
}

TEST(QmpEvents, OtherLinesAreNone) {
  for (const auto* line : {"", "{", "[]", R"({"return":{}})", R"({"event":3})", R"({"event":"STOP","return":{}})"}) {
    EXPECT_FALSE(event_from_line(line)) << line;
  }
}

/// QEMU sends -1 when its clock failed; any other number is a peer's to choose.
TEST(QmpEvents, AnUnusableTimeIsThatOfArrival) {
  for (const auto* stamp : {R"({})", R"(3)", R"({"seconds":-1,"microseconds":-1})", R"({"seconds":"x"})",
                            R"({"seconds":9223372036854775807,"microseconds":9223372036854775807})",
                            R"({"seconds":-9223372036854775808,"microseconds":-9223372036854775808})"}) {
    const auto before = std::chrono::system_clock::now();
    const auto read = event_from_line(std::string{R"({"event":"STOP","timestamp":)"} + stamp + "}");
    ASSERT_TRUE(read) << stamp;
    EXPECT_FALSE(read->time_known) << stamp;
    EXPECT_GE(read->time, before) << stamp;
  }
  EXPECT_FALSE(event_from_line(R"({"event":"STOP"})")->time_known);
  EXPECT_TRUE(event("STOP", "{}").time_known);
}

TEST(QmpEvents, WithoutTheDataOfItsKindItIsAnother) {
  VmTracker tracker;
  for (const auto* data :
       {"3", "[]", "\"x\"", "null", "{}", R"({"id":"p0"})", R"({"id":"p0","open":1})", R"({"id":3,"open":true})"}) {
    const auto read = event("VSERPORT_CHANGE", data);
    EXPECT_EQ(read.kind, EventKind::other) << data;
    EXPECT_NO_THROW(tracker.on_event(read)) << data;
  }
  for (const auto* data : {"3", "[]", "\"x\""}) EXPECT_EQ(event("STOP", data).kind, EventKind::other) << data;
  EXPECT_EQ(event("STOP", "null").data.at("state").as_string(), "paused");
}

TEST(Tracker, TellsAllSubscribersAndClosesAtTheEnd) {
  VmTracker tracker;
  const auto first = tracker.subscribe();
  tracker.on_event(event("STOP", "{}"));
  const auto second = tracker.subscribe();
  tracker.on_event(event("RESUME", "{}"));
  ExitRecord record;
  record.cause = ExitCause::guest_shutdown;
  tracker.on_exit(record);
  record.cause = ExitCause::signal;
  tracker.on_exit(record);  // only the first one counts
  std::vector<std::string> names;
  while (const auto next = first->next(0ms)) names.push_back(next->name);
  EXPECT_EQ(names, (std::vector<std::string>{"STOP", "RESUME", "guest_shutdown", "state_changed", "exited"}));
  EXPECT_EQ(second->next(0ms)->name, "RESUME");
  EXPECT_EQ(tracker.exit()->cause, ExitCause::guest_shutdown);
  EXPECT_EQ(tracker.subscribe()->next(0ms), std::nullopt);
}

TEST(Tracker, WaitsForAPortAndForTheEnd) {
  VmTracker tracker;
  std::jthread feeder{[&] { tracker.on_event(event("VSERPORT_CHANGE", R"({"id":"p0","open":true})")); }};
  EXPECT_TRUE(tracker.wait_port("p0", 60s));
  EXPECT_THROW((void)tracker.wait_port("p1", 0ms), Error);
  tracker.note(event("VSERPORT_CHANGE", R"({"id":"p0","open":false})"));
  EXPECT_THROW((void)tracker.wait_port("p0", 0ms), Error);
  EXPECT_THROW((void)tracker.wait_exit(0ms), Error);
  std::jthread ender{[&] { tracker.on_exit({}); }};
  EXPECT_EQ(tracker.wait_exit(60s).cause, ExitCause::unknown);
  EXPECT_FALSE(tracker.wait_port("p1", 60s));
}

TEST(Tracker, AnEndThatNobodySawIsAStopWhenOneWasUnderWay) {
  VmTracker tracker;
  EXPECT_EQ(explain_unwitnessed(tracker).cause, ExitCause::unknown);
  tracker.expect_stop();
  EXPECT_EQ(explain_unwitnessed(tracker).cause, ExitCause::stopped);
  tracker.note(event("SHUTDOWN", R"({"guest":true,"reason":"guest-reset"})"));
  tracker.reset();
  EXPECT_EQ(explain_unwitnessed(tracker).cause, ExitCause::unknown) << "that belongs to an earlier start";
}

TEST(Tracker, WhatTheGuestWasSeenToDoOutweighsTheStop) {
  VmTracker tracker;
  tracker.expect_stop();
  tracker.note(event("RESET", R"({"guest":true,"reason":"guest-reset"})"));
  EXPECT_EQ(explain_unwitnessed(tracker).cause, ExitCause::stopped) << "a guest survives a reset";
  tracker.note(event("SHUTDOWN", R"({"guest":true,"reason":"guest-reset"})"));
  EXPECT_EQ(explain_unwitnessed(tracker).cause, ExitCause::guest_reset);
  Event seen;
  seen.kind = EventKind::guest_shutdown;
  tracker.note(seen);
  EXPECT_EQ(explain_unwitnessed(tracker).cause, ExitCause::guest_shutdown);
  seen.kind = EventKind::guest_panicked;
  tracker.note(seen);
  EXPECT_EQ(explain_unwitnessed(tracker).cause, ExitCause::guest_panic);
}

TEST(Tracker, ACancelledWaitEnds) {
  VmTracker tracker;
  CancelSource source;
  std::jthread canceller{[&] { source.cancel(); }};
  try {
    (void)tracker.wait_exit({std::chrono::steady_clock::now() + 60s, source.token()});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::cancelled);
  }
}

TEST(Tracker, AnEndDuringAStartIsTheReasonOfItsFailureAndNoMore) {
  VmTracker tracker;
  const auto queue = tracker.subscribe();
  tracker.begin();
  visor::ExitRecord record;
  record.cause = ExitCause::exit_code;
  tracker.on_exit(record);
  EXPECT_EQ(tracker.exit_by(Deadline{})->cause, ExitCause::exit_code);
  EXPECT_FALSE(tracker.exit());
  tracker.reset();
  EXPECT_FALSE(tracker.exit_by(Deadline{}));
  tracker.begin();
  tracker.started();
  tracker.on_event(event("RESUME", "{}"));
  EXPECT_EQ(queue->next(0ms)->name, "RESUME");
}

TEST(Tracker, AnEndDuringAStartThatFinishesIsToldThen) {
  VmTracker tracker;
  const auto queue = tracker.subscribe();
  tracker.begin();
  tracker.on_exit({});
  EXPECT_THROW((void)queue->next(0ms), Error);
  tracker.started();
  EXPECT_TRUE(tracker.exit());
  EXPECT_EQ(queue->next(0ms)->kind, EventKind::state_changed);
  EXPECT_EQ(queue->next(0ms)->kind, EventKind::exited);
  EXPECT_FALSE(queue->next(0ms));
}

TEST(Tracker, AnInterruptionEndsTheWaitsByCount) {
  VmTracker tracker;
  const auto count = tracker.interruptions();
  std::jthread interrupter{[&] { tracker.interrupt(); }};
  EXPECT_FALSE(tracker.wait_exit(60s, count));
  EXPECT_FALSE(tracker.wait_exit(60s, count)) << "one that came before the wait counts, too";
  EXPECT_THROW((void)tracker.wait_exit(0ms, tracker.interruptions()), Error);
  tracker.on_exit({});
  EXPECT_TRUE(tracker.wait_exit(60s, tracker.interruptions()));
}

}  // namespace
}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
// What subscribers hear, in which order, and what happens when they do not listen.
#include "fixture.hpp"

#include <poll.h>

#include <algorithm>

namespace visor::conformance {
namespace {

VISOR_CONFORMANCE_SUITE(Events);

std::vector<Event> all_until_closed(EventQueue& queue, const CallContext& call) {
  std::vector<Event> events;
  while (auto event = queue.next(call)) events.push_back(std::move(*event));
  return events;
}

std::string state_in(const Event& event) {
  const auto* state = event.data.find("state");
  return state == nullptr ? "" : state->as_string();
}

std::vector<std::string> states_in(const std::vector<Event>& events) {
  std::vector<std::string> states;
  for (const auto& event : events) {
    if (event.kind == EventKind::state_changed) states.push_back(state_in(event));
  }
  return states;
}

bool readable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1 && (entry.revents & POLLIN) != 0;
}

TEST_P(Events, ALifeIsToldInOrder) {
  VISOR_NEEDS(Feature::events);
  const auto vm = create();
  const auto queue = vm->events();
  vm->start(quick());
  std::vector<std::string> expected{"running"};
  if (claims(Feature::pause) && claims(Feature::resume)) {
    vm->pause(quick());
    vm->resume(quick());
    expected.insert(expected.end(), {"paused", "running"});
  }
  vm->stop({.force = true}, quick());
  expected.emplace_back("stopped");
  const auto events = all_until_closed(*queue, quick());
  EXPECT_EQ(states_in(events), expected);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(std::ranges::count(events, EventKind::exited, &Event::kind), 1);
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].sequence, i + 1);
    EXPECT_FALSE(events[i].name.empty());
  }
  EXPECT_EQ(queue->dropped(), 0U);
}

TEST_P(Events, EverySubscriberHearsAllFromItsSubscriptionOn) {
  VISOR_NEEDS(Feature::events);
  const auto vm = create();
  const auto early = vm->events();
  vm->start(quick());
  const auto late = vm->events();
  vm->stop({.force = true}, quick());
  const auto all = states_in(all_until_closed(*early, quick()));
  const auto rest = states_in(all_until_closed(*late, quick()));
  EXPECT_EQ(all, (std::vector<std::string>{"running", "stopped"}));
  EXPECT_EQ(rest, (std::vector<std::string>{"stopped"}));
}

TEST_P(Events, AnUnreadEventShowsOnTheDescriptor) {
  VISOR_NEEDS(Feature::events);
  const auto vm = create();
  const auto queue = vm->events();
  EXPECT_FALSE(readable(queue->poll_fd()));
  vm->start(quick());
  EXPECT_TRUE(queue->next(quick()).has_value());
  vm->stop({.force = true}, quick());
  all_until_closed(*queue, quick());
  EXPECT_TRUE(readable(queue->poll_fd())) << "a closed queue keeps a poll loop from sleeping on it";
}

TEST_P(Events, WaitingForNothingTimesOut) {
  VISOR_NEEDS(Feature::events);
  const auto vm = create();
  const auto queue = vm->events();
  error_of(Errc::timeout, [&] { queue->next(moment()); });
  error_of(Errc::timeout, [&] { queue->next(CallContext{Deadline{}, CancelToken{}}); });
}

TEST_P(Events, WhoDoesNotReadLosesTheOldestAndIsTold) {
  VISOR_NEEDS(Feature::events);
  VISOR_NEEDS(Feature::pause);
  VISOR_NEEDS(Feature::resume);
  const auto vm = started();
  const auto queue = vm->events();
  constexpr auto rounds = EventQueue::default_capacity / 2 + 10;  // two changes of state in each
  for (std::size_t i = 0; i < rounds; ++i) {
    vm->pause(quick());
    vm->resume(quick());
  }
  vm->stop({.force = true}, quick());
  const auto events = all_until_closed(*queue, quick());
  EXPECT_EQ(events.size(), EventQueue::default_capacity);
  EXPECT_GE(queue->dropped(), 20U);
  EXPECT_EQ(events.front().sequence, queue->dropped() + 1);
  EXPECT_EQ(states_in(events).back(), "stopped");
}

TEST_P(Events, AQueueOutlivesItsVm) {
  VISOR_NEEDS(Feature::events);
  auto vm = create();
  const auto queue = vm->events();
  vm.reset();
  EXPECT_EQ(queue->next(quick()), std::nullopt);
}

TEST_P(Events, AVmThatIsOverHasNoMore) {
  VISOR_NEEDS(Feature::events);
  const auto vm = in_state(VmState::stopped, subject().config);
  EXPECT_EQ(vm->events()->next(quick()), std::nullopt);
}

TEST_P(Events, ReadinessIsAnEvent) {
  VISOR_NEEDS(Feature::events);
  VISOR_NEEDS_FROM_SUBJECT(with_readiness);
  auto config = subject().config;
  subject().with_readiness(config);
  if (!claims(Feature::wait_ready, config)) GTEST_SKIP() << subject().name << " does not claim wait_ready";
  const auto vm = create(config);
  const auto queue = vm->events();
  vm->start(quick());
  vm->wait_ready(patient());
  for (auto event = queue->next(quick()); event; event = queue->next(quick())) {
    if (event->kind == EventKind::guest_ready) return;
  }
  ADD_FAILURE() << "the queue was closed before guest_ready";
}

}  // namespace
}  // namespace visor::conformance

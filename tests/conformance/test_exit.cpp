// SPDX-License-Identifier: Apache-2.0
// How VMs end, and who hears of it.
#include "fixture.hpp"

#include <algorithm>
#include <thread>
#include <vector>

namespace visor::conformance {
namespace {

VISOR_CONFORMANCE_SUITE(Exit);

/// Reads the queue to its end: it tells the end once, and before it what the guest did.
void expect_told(EventQueue& queue, ExitCause cause, const CallContext& call) {
  std::vector<EventKind> told;
  while (const auto event = queue.next(call)) told.push_back(event->kind);
  const auto count = [&](EventKind kind) { return std::ranges::count(told, kind); };
  EXPECT_EQ(count(EventKind::exited), 1);
  EXPECT_EQ(count(EventKind::guest_panicked), cause == ExitCause::guest_panic ? 1 : 0);
  EXPECT_EQ(count(EventKind::guest_reset), cause == ExitCause::guest_reset ? 1 : 0);
  EXPECT_EQ(count(EventKind::guest_shutdown), cause == ExitCause::guest_shutdown ? 1 : 0);
}

void expect_end(const ExitRecord& exit, ExitCause cause) {
  EXPECT_EQ(to_string(exit.cause), to_string(cause)) << exit.text;
  EXPECT_FALSE(exit.text.empty());
  EXPECT_EQ(exit.signal.has_value(), cause == ExitCause::signal);
  if (cause == ExitCause::exit_code) {
    EXPECT_NE(exit.code.value_or(0), 0);
  }
}

void expect_same(const ExitRecord& later, const ExitRecord& exit) {
  EXPECT_EQ(to_string(later.cause), to_string(exit.cause));
  EXPECT_EQ(later.code, exit.code);
  EXPECT_EQ(later.signal, exit.signal);
  EXPECT_EQ(later.time, exit.time);
}

// One test, because each ending costs the boot of a guest.
TEST_P(Exit, EveryEndingHasItsCauseIsToldAndIsRemembered) {
  if (subject().endings.empty()) GTEST_SKIP() << subject().name << " describes no endings";
  for (const auto& ending : subject().endings) {
    SCOPED_TRACE(ending.name);
    auto config = subject().config;
    if (ending.prepare) ending.prepare(config);
    auto vm = create(config);
    const auto queue = claims(Feature::events) ? vm->events() : nullptr;
    vm->start(quick());
    if (ending.trigger) ending.trigger(*vm);
    const auto exit = vm->wait_exit(patient());
    expect_end(exit, ending.cause);
    EXPECT_EQ(to_string(state_of(*vm)), to_string(final_state(exit)));
    if (claims(Feature::check) && final_state(exit) == VmState::failed) {
      EXPECT_THROW(vm->check(quick()), Error);
    }
    if (queue) expect_told(*queue, ending.cause, quick());
    if (!claims(Feature::attach)) continue;
    const auto record = vm->record();
    vm.reset();
    expect_same(hypervisor().attach(record, quick())->wait_exit(CallContext{Deadline{}, CancelToken{}}), exit);
  }
}

TEST_P(Exit, WaitingBeforeDuringAndAfterGivesOneRecord) {
  const auto vm = started();
  ExitRecord before[3];
  std::vector<std::thread> waiting;
  for (auto& record : before) {
    waiting.emplace_back([&] { EXPECT_NO_THROW(record = vm->wait_exit(patient())); });
  }
  const auto result = vm->stop({.force = true}, quick());
  for (auto& thread : waiting) thread.join();
  const auto after = vm->wait_exit(CallContext{Deadline{}, CancelToken{}});  // over already: no time is needed
  for (const auto& record : {before[0], before[1], before[2], after}) {
    EXPECT_EQ(record.cause, result.exit.cause);
    EXPECT_EQ(record.time, result.exit.time);
    EXPECT_EQ(record.text, result.exit.text);
  }
}

TEST_P(Exit, AWaitThatBeganBeforeTheStartSeesTheEnd) {
  const auto vm = create();
  std::thread waiting{[&] { EXPECT_EQ(vm->wait_exit(patient()).cause, ExitCause::stopped); }};
  vm->start(quick());
  vm->stop({.force = true}, quick());
  waiting.join();
}

TEST_P(Exit, TheTimeOfTheEndIsThatOfTheEnd) {
  const auto vm = started();
  const auto before = std::chrono::system_clock::now();
  const auto exit = vm->stop({.force = true}, quick()).exit;
  const auto after = std::chrono::system_clock::now();
  // A record may keep whole milliseconds only.
  EXPECT_GE(exit.time, before - std::chrono::milliseconds{1});
  EXPECT_LE(exit.time, after + std::chrono::milliseconds{1});
}

TEST_P(Exit, TwoStopsAtOnceBothSucceed) {
  const auto vm = started();
  StopResult results[2];
  std::thread other{[&] { EXPECT_NO_THROW(results[0] = vm->stop({.force = true}, quick())); }};
  EXPECT_NO_THROW(results[1] = vm->stop({.force = true}, quick()));
  other.join();
  EXPECT_EQ(results[0].exit.cause, ExitCause::stopped);
  EXPECT_EQ(results[1].exit.cause, ExitCause::stopped);
  EXPECT_EQ(state_of(*vm), VmState::stopped);
}

}  // namespace
}  // namespace visor::conformance

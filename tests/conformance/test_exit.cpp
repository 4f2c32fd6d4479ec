// SPDX-License-Identifier: Apache-2.0
// How VMs end, and who hears of it.
#include "fixture.hpp"

#include <thread>

namespace visor::conformance {
namespace {

VISOR_CONFORMANCE_SUITE(Exit);

TEST_P(Exit, EveryEndingHasItsCauseAndState) {
  if (subject().endings.empty()) GTEST_SKIP() << subject().name << " describes no endings";
  for (const auto& ending : subject().endings) {
    SCOPED_TRACE(ending.name);
    const auto vm = ended(ending, subject().config);
    const auto exit = vm->wait_exit(quick());
    EXPECT_EQ(to_string(exit.cause), to_string(ending.cause)) << exit.text;
    EXPECT_FALSE(exit.text.empty());
    EXPECT_EQ(exit.signal.has_value(), ending.cause == ExitCause::signal);
    EXPECT_EQ(to_string(state_of(*vm)), to_string(final_state(exit)));
    if (ending.cause == ExitCause::exit_code) {
      EXPECT_NE(exit.code.value_or(0), 0);
    }
    if (claims(Feature::check) && final_state(exit) == VmState::failed) {
      EXPECT_THROW(vm->check(quick()), Error);
    }
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

// SPDX-License-Identifier: Apache-2.0
// From created to stopped, and what stays behind.
#include "fixture.hpp"

namespace visor::conformance {
namespace {

VISOR_CONFORMANCE_SUITE(Lifecycle);

TEST_P(Lifecycle, RunsAndStops) {
  const auto vm = create();
  vm->start(quick());
  const auto status = vm->status(quick());
  EXPECT_EQ(status.state, VmState::running);
  EXPECT_TRUE(status.responsive);
  EXPECT_FALSE(status.guest_panicked);
  EXPECT_FALSE(status.detail.empty());
  StopOptions options;
  options.guest_grace = options.hypervisor_grace = options.terminate_grace = subject().moment;
  const auto result = vm->stop(options, quick());
  EXPECT_NE(result.rung, StopRung::already_stopped);
  // At the power button a guest that still boots may reset.
  const auto cause = result.exit.cause;
  const bool guest_did = cause == ExitCause::guest_shutdown || cause == ExitCause::guest_reset;
  EXPECT_TRUE(guest_did || cause == ExitCause::stopped) << to_string(cause);
  EXPECT_EQ(guest_did, result.rung == StopRung::guest) << to_string(cause);
  EXPECT_EQ(state_of(*vm), VmState::stopped);
}

TEST_P(Lifecycle, AReadyGuestObeysThePowerButton) {
  if (!subject().obeys_power_button) GTEST_SKIP() << subject().name << " describes no such guest";
  auto config = subject().config;
  subject().with_readiness(config);
  if (!claims(Feature::wait_ready, config)) GTEST_SKIP() << subject().name << " does not claim wait_ready";
  const auto vm = started(config);
  vm->wait_ready(patient());
  StopOptions options;
  options.guest_grace = subject().guest_limit;
  const auto result = vm->stop(options, patient());
  EXPECT_EQ(to_string(result.rung), "guest");
  EXPECT_EQ(to_string(result.exit.cause), "guest_shutdown") << result.exit.text;
  EXPECT_EQ(state_of(*vm), VmState::stopped);
}

TEST_P(Lifecycle, StartPausedRunsAfterResume) {
  const auto vm = in_state(VmState::paused, subject().config);
  EXPECT_EQ(state_of(*vm), VmState::paused);
  VISOR_NEEDS(Feature::resume);
  vm->resume(quick());
  EXPECT_EQ(state_of(*vm), VmState::running);
}

TEST_P(Lifecycle, PauseAndResumeTwiceDoNothingMore) {
  VISOR_NEEDS(Feature::pause);
  VISOR_NEEDS(Feature::resume);
  const auto vm = started();
  vm->resume(quick());
  EXPECT_EQ(state_of(*vm), VmState::running);
  vm->pause(quick());
  vm->pause(quick());
  EXPECT_EQ(state_of(*vm), VmState::paused);
  vm->resume(quick());
  vm->resume(quick());
  EXPECT_EQ(state_of(*vm), VmState::running);
}

TEST_P(Lifecycle, StopTwiceGivesTheSameEnd) {
  const auto vm = started();
  const auto first = vm->stop({.force = true}, quick());
  EXPECT_TRUE(first.rung == StopRung::terminate || first.rung == StopRung::kill) << to_string(first.rung);
  const auto second = vm->stop({}, quick());
  EXPECT_EQ(second.rung, StopRung::already_stopped);
  EXPECT_EQ(second.exit.cause, first.exit.cause);
  EXPECT_EQ(second.exit.time, first.exit.time);
  EXPECT_EQ(state_of(*vm), VmState::stopped);
}

TEST_P(Lifecycle, StopEndsAPausedVm) {
  const auto vm = in_state(VmState::paused, subject().config);
  StopOptions options;
  options.guest_grace = subject().moment;
  const auto result = vm->stop(options, patient());
  EXPECT_EQ(state_of(*vm), VmState::stopped) << to_string(result.rung) << ", " << result.exit.text;
}

TEST_P(Lifecycle, StopBeforeTheStartLeavesNothingToStart) {
  const auto vm = create();
  const auto result = vm->stop({}, quick());
  EXPECT_EQ(result.exit.cause, ExitCause::stopped);
  EXPECT_EQ(state_of(*vm), VmState::stopped);
  error_of(Errc::invalid_state, [&] { vm->start(quick()); });
}

TEST_P(Lifecycle, StopOfAFailedVmKeepsItsEnd) {
  const auto vm = in_state(VmState::failed, subject().config);
  if (!vm) GTEST_SKIP() << subject().name << " describes no way to fail";
  const auto end = vm->wait_exit(quick());
  const auto result = vm->stop({}, quick());
  EXPECT_EQ(result.rung, StopRung::already_stopped);
  EXPECT_EQ(result.exit.cause, end.cause);
  EXPECT_EQ(state_of(*vm), VmState::failed);
}

TEST_P(Lifecycle, AFailedStartLeavesNothing) {
  VISOR_NEEDS_FROM_SUBJECT(failing_start);
  auto config = subject().config;
  subject().failing_start(config);
  const auto vm = create(config);
  EXPECT_THROW(vm->start(quick()), Error);
  const auto state = state_of(*vm);
  EXPECT_TRUE(state == VmState::created || state == VmState::failed) << to_string(state);
  if (claims(Feature::pids)) {
    EXPECT_TRUE(vm->pids().empty());
  }
  vm->stop({}, quick());
  EXPECT_TRUE(vm->wait_exit(quick()).cause != ExitCause::unknown);
}

TEST_P(Lifecycle, AnEphemeralVmEndsWithItsHandle) {
  auto config = subject().config;
  config.ephemeral = true;
  VISOR_NEEDS(Feature::attach);
  auto vm = started(config);
  const auto looking = attach(*vm);
  vm.reset();
  looking->wait_exit(quick());
  EXPECT_EQ(state_of(*looking), VmState::stopped);
}

TEST_P(Lifecycle, AnAttachedHandleDoesNotEndAnEphemeralVm) {
  auto config = subject().config;
  config.ephemeral = true;
  VISOR_NEEDS(Feature::attach);
  const auto vm = started(config);
  attach(*vm).reset();
  EXPECT_EQ(state_of(*vm), VmState::running);
}

TEST_P(Lifecycle, DisconnectTwiceThenDestroyLeavesTheVm) {
  VISOR_NEEDS(Feature::attach);
  auto vm = started();
  const auto record = vm->record();
  vm->disconnect();
  vm->disconnect();
  vm.reset();
  EXPECT_EQ(state_of(*hypervisor().attach(record, quick())), VmState::running);
}

TEST_P(Lifecycle, ReadinessComesOnce) {
  VISOR_NEEDS_FROM_SUBJECT(with_readiness);
  auto config = subject().config;
  subject().with_readiness(config);
  if (!claims(Feature::wait_ready, config)) GTEST_SKIP() << subject().name << " does not claim wait_ready";
  const auto vm = started(config);
  vm->wait_ready(patient());
  vm->wait_ready(quick());  // still so
  EXPECT_EQ(state_of(*vm), VmState::running);
}

TEST_P(Lifecycle, ThreadsAreThoseOfTheVcpus) {
  VISOR_NEEDS(Feature::thread_ids);
  const auto vm = started();
  const auto threads = vm->thread_ids(quick());
  EXPECT_EQ(threads.size(), vm->config().cpu.count);
  std::set<std::uint32_t> indexes;
  for (const auto& thread : threads) {
    EXPECT_GE(thread.thread_id, 0);
    indexes.insert(thread.index);
  }
  EXPECT_EQ(indexes.size(), threads.size());
}

TEST_P(Lifecycle, ProcessesAreNamedOnlyWhileTheyLive) {
  VISOR_NEEDS(Feature::pids);
  const auto vm = create();
  EXPECT_TRUE(vm->pids().empty());
  vm->start(quick());
  for (const auto pid : vm->pids()) EXPECT_GT(pid, 1);
  vm->stop({.force = true}, quick());
  EXPECT_TRUE(vm->pids().empty());
}

}  // namespace
}  // namespace visor::conformance

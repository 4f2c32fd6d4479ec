// SPDX-License-Identifier: Apache-2.0
// No call outlives its deadline or its cancellation. A call that did would hang here, and the whole run's limit ends
// it.
#include "fixture.hpp"
#include "methods.hpp"

#include <thread>

namespace visor::conformance {
namespace {

VISOR_CONFORMANCE_SUITE(Deadlines);
VISOR_CONFORMANCE_SUITE(Cancellation);

const CallContext long_ago{Deadline{}, CancelToken{}};

/// Blocking calls that the state allows; `stop` and `start`, which change it, are looked at by themselves.
bool tried_in(const Method& method, VmState state, const Vm& vm) {
  return method.blocks && method.name != "start" && method.name != "stop" && claimed(method, vm) &&
         (contains(method.allowed, state) || contains(method.waits, state));
}

/// What is allowed to a call that came too late: its work, or that there is no time for it.
void expect_success_or_timeout(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(to_string(error.code()), "timeout") << error.what();
  }
}

TEST_P(Deadlines, ACallThatIsTooLateDoesNothing) {
  VISOR_FOR_EACH_STATE(state, vm) {
    const auto before = picture(*vm);
    for (const auto& method : methods(subject(), scratch())) {
      if (!tried_in(method, state, *vm) || method.may_be_late || contains(method.instant, state)) continue;
      SCOPED_TRACE(method.name + " while " + std::string{to_string(state)});
      error_of(Errc::timeout, [&] { method.call(*vm, long_ago); });
    }
    EXPECT_EQ(picture(*vm), before);
  }
}

TEST_P(Deadlines, ACallThatNeedsNoTimeMayBeLate) {
  VISOR_FOR_EACH_STATE(state, vm) {
    for (const auto& method : methods(subject(), scratch())) {
      if (!tried_in(method, state, *vm) || (!method.may_be_late && !contains(method.instant, state))) continue;
      SCOPED_TRACE(method.name + " while " + std::string{to_string(state)});
      if (contains(method.instant, state)) {
        EXPECT_NO_THROW(method.call(*vm, long_ago));
      } else {
        expect_success_or_timeout([&] { method.call(*vm, long_ago); });
      }
    }
    EXPECT_EQ(to_string(state_of(*vm)), to_string(state));
  }
}

TEST_P(Deadlines, AStartThatIsTooLateLeavesAStartableVm) {
  const auto vm = create();
  error_of(Errc::timeout, [&] { vm->start(long_ago); });
  EXPECT_EQ(state_of(*vm), VmState::created);
  vm->start(quick());
  EXPECT_EQ(state_of(*vm), VmState::running);
}

TEST_P(Deadlines, AStopThatIsTooLateStillEndsOrCanBeRepeated) {
  VISOR_FOR_EACH_STATE(state, vm) {
    SCOPED_TRACE(to_string(state));
    expect_success_or_timeout([&] { vm->stop({}, long_ago); });
    vm->stop({.force = true}, quick());
    EXPECT_EQ(state_of(*vm), state == VmState::failed ? VmState::failed : VmState::stopped);
  }
}

TEST_P(Deadlines, WaitingForTheEndOfALivingVmTimesOut) {
  const auto vm = started();
  EXPECT_NE(error_of(Errc::timeout, [&] { vm->wait_exit(moment()); }), "");
  EXPECT_NE(error_of(Errc::timeout, [&] { vm->wait_exit(long_ago); }), "");
  EXPECT_EQ(state_of(*vm), VmState::running);
}

TEST_P(Deadlines, WaitingForAGuestThatNeverGetsReadyTimesOut) {
  VISOR_NEEDS_FROM_SUBJECT(without_readiness);
  auto config = subject().config;
  subject().without_readiness(config);
  if (!claims(Feature::wait_ready, config)) GTEST_SKIP() << subject().name << " does not claim wait_ready";
  const auto vm = started(config);
  error_of(Errc::timeout, [&] { vm->wait_ready(moment()); });
  EXPECT_EQ(state_of(*vm), VmState::running);
}

TEST_P(Deadlines, AHangingStartEndsAndLeavesNothing) {
  VISOR_NEEDS_FROM_SUBJECT(hanging_start);
  auto config = subject().config;
  subject().hanging_start(config);
  const auto vm = create(config);
  error_of(Errc::timeout, [&] { vm->start(moment()); });
  const auto state = state_of(*vm);
  EXPECT_TRUE(state == VmState::created || state == VmState::failed) << to_string(state);
  if (claims(Feature::pids)) {
    EXPECT_TRUE(vm->pids().empty());
  }
  vm->stop({}, quick());
}

CallContext cancelled_call(const CancelSource& source, std::chrono::seconds limit) {
  return {std::chrono::steady_clock::now() + limit, source.token()};
}

/// A call that is cancelled before it begins. One that has its answer anyway may give it.
void expect_cancelled(Vm& vm, const Method& method, VmState state, const CallContext& call) {
  if (!contains(method.instant, state)) {
    error_of(Errc::cancelled, [&] { method.call(vm, call); });
    return;
  }
  try {
    method.call(vm, call);
  } catch (const Error& error) {
    EXPECT_EQ(to_string(error.code()), "cancelled") << error.what();
  }
}

TEST_P(Cancellation, ACancelledCallDoesNothing) {
  CancelSource source;
  source.cancel();
  VISOR_FOR_EACH_STATE(state, vm) {
    const auto before = picture(*vm);
    for (const auto& method : methods(subject(), scratch())) {
      if (!tried_in(method, state, *vm) && method.name != "stop") continue;
      SCOPED_TRACE(method.name + " while " + std::string{to_string(state)});
      expect_cancelled(*vm, method, state, cancelled_call(source, subject().call_limit));
    }
    EXPECT_EQ(picture(*vm), before);
  }
}

TEST_P(Cancellation, ACancelledStartLeavesAStartableVm) {
  const auto vm = create();
  CancelSource source;
  source.cancel();
  error_of(Errc::cancelled, [&] { vm->start(cancelled_call(source, subject().call_limit)); });
  EXPECT_EQ(state_of(*vm), VmState::created);
  vm->start(quick());
  EXPECT_EQ(state_of(*vm), VmState::running);
}

/// Cancels as soon as a call reports that it is under way, so that no sleep has to guess when.
class CancelOnProgress final : public ProgressSink {
 public:
  explicit CancelOnProgress(CancelSource& source) : source_{source} {}
  void progress(std::string_view /*stage*/, std::uint64_t /*done*/, std::uint64_t /*total*/) noexcept override {
    source_.cancel();
  }

 private:
  CancelSource& source_;
};

TEST_P(Cancellation, AHangingStartEndsWhenItIsCancelled) {
  VISOR_NEEDS_FROM_SUBJECT(hanging_start);
  auto config = subject().config;
  subject().hanging_start(config);
  const auto vm = create(config);
  CancelSource source;
  CancelOnProgress sink{source};
  error_of(Errc::cancelled, [&] {
    vm->start(CallContext{std::chrono::steady_clock::now() + subject().guest_limit, source.token(), &sink});
  });
  EXPECT_EQ(state_of(*vm), VmState::created);
}

/// Runs a call that would wait until the limit in another thread and cancels it, whether it waits already or not.
void expect_cancellable(std::chrono::seconds limit, const std::function<void(const CallContext&)>& wait) {
  CancelSource source;
  std::thread waiting{[&] { error_of(Errc::cancelled, [&] { wait(cancelled_call(source, limit)); }); }};
  source.cancel();
  waiting.join();
}

TEST_P(Cancellation, WaitsEndFromAnotherThread) {
  const auto limit = subject().guest_limit;
  for (const auto state : {VmState::created, VmState::running, VmState::paused}) {
    SCOPED_TRACE(to_string(state));
    const auto vm = in_state(state, subject().config);
    for (int i = 0; i < 3; ++i) {
      expect_cancellable(limit, [&](const CallContext& call) { vm->wait_exit(call); });
      if (!claims(Feature::events)) continue;
      const auto events = vm->events();
      expect_cancellable(limit, [&](const CallContext& call) { events->next(call); });
    }
    EXPECT_EQ(to_string(state_of(*vm)), to_string(state));
  }
}

TEST_P(Cancellation, AWaitForReadinessEndsFromAnotherThread) {
  VISOR_NEEDS_FROM_SUBJECT(without_readiness);
  auto config = subject().config;
  subject().without_readiness(config);
  if (!claims(Feature::wait_ready, config)) GTEST_SKIP() << subject().name << " does not claim wait_ready";
  const auto vm = started(config);
  expect_cancellable(subject().guest_limit, [&](const CallContext& call) { vm->wait_ready(call); });
  EXPECT_EQ(state_of(*vm), VmState::running);
}

TEST_P(Cancellation, AWaitForConsoleOutputEndsFromAnotherThread) {
  VISOR_NEEDS(Feature::console);
  const auto vm = in_state(VmState::paused, subject().config);
  const auto console = vm->console(quick());
  expect_cancellable(subject().guest_limit, [&](const CallContext& call) {
    char byte = 0;
    while (console->read(&byte, 1, call) > 0) {  // what was there before it stood still
    }
  });
}

}  // namespace
}  // namespace visor::conformance

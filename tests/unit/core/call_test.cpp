// SPDX-License-Identifier: Apache-2.0
#include "visor/core/call.hpp"

#include "support.hpp"

#include <atomic>
#include <future>
#include <optional>
#include <thread>

namespace visor {
namespace {

using namespace std::chrono_literals;
using testing::expect_error;

TEST(Calls, ADefaultTokenIsNeverCancelled) { EXPECT_FALSE(CancelToken{}.cancelled()); }
TEST(Calls, CopiesShareTheirState) {
  CancelSource source;
  const auto token = source.token();
  const auto copy = token;  // NOLINT(performance-unnecessary-copy-initialization): it is what is tested
  source.cancel();
  source.cancel();
  EXPECT_TRUE(token.cancelled() && copy.cancelled());
}
TEST(Calls, CallbacksRunOnceOnCancel) {
  CancelSource source;
  int calls = 0;
  const CancelCallback callback{source.token(), [&] { ++calls; }};
  EXPECT_EQ(calls, 0);
  source.cancel();
  source.cancel();
  EXPECT_EQ(calls, 1);
}
TEST(Calls, CallbacksRunAtOnceWhenCancelledAlready) {
  CancelSource source;
  source.cancel();
  int calls = 0;
  const CancelCallback callback{source.token(), [&] { ++calls; }};
  EXPECT_EQ(calls, 1);
}
TEST(Calls, DestroyedCallbacksDoNotRun) {
  CancelSource source;
  int calls = 0;
  {
    const CancelCallback callback{source.token(), [&] { ++calls; }};
  }
  source.cancel();
  EXPECT_EQ(calls, 0);
}
TEST(Calls, ACallbackMayDestroyItself) {
  CancelSource source;
  std::optional<CancelCallback> callback;
  callback.emplace(source.token(), [&] { callback.reset(); });
  source.cancel();
  EXPECT_FALSE(callback.has_value());
}
TEST(Calls, ACallbackMayCancelAgain) {
  CancelSource source;
  int calls = 0;
  const CancelCallback callback{source.token(), [&] {
                                  ++calls;
                                  source.cancel();
                                }};
  source.cancel();
  EXPECT_EQ(calls, 1);
}

/// The destructor of a callback that runs on one thread must wait for it, though another thread cancels as well.
TEST(Calls, DestructionWaitsForARunningCallback) {
  CancelSource source;
  std::promise<void> entered;
  std::promise<void> leave;
  auto may_leave = leave.get_future().share();
  std::atomic<bool> left = false;
  const CancelCallback other{source.token(), [&] { may_leave.wait(); }};
  std::optional<CancelCallback> slow;
  slow.emplace(source.token(), [&] {  // the last one added runs first
    entered.set_value();
    may_leave.wait();
    left = true;
  });
  std::thread first{[&] { source.cancel(); }};
  entered.get_future().wait();
  std::thread second{[&] { source.cancel(); }};
  bool had_left = false;
  std::thread destroyer{[&] {
    slow.reset();
    had_left = left;
  }};
  leave.set_value();
  destroyer.join();
  second.join();
  first.join();
  EXPECT_TRUE(had_left);
}

TEST(Calls, DeadlinesPass) {
  const CallContext past{0ms};
  EXPECT_TRUE(past.expired());
  EXPECT_EQ(past.remaining(), 0ms);
  expect_error(Errc::timeout, "Timed out while waiting for tea", [&] { past.check("tea"); });
  const CallContext future{1h};
  EXPECT_FALSE(future.expired());
  EXPECT_GT(future.remaining(), 59min);
  EXPECT_NO_THROW(future.check("tea"));
}
TEST(Calls, ForEverIsPossible) {
  const CallContext call{std::chrono::milliseconds::max()};
  EXPECT_FALSE(call.expired());
  EXPECT_GT(call.remaining(), 24h * 365);
}
TEST(Calls, CancellationIsToldBeforeTheDeadline) {
  CancelSource source;
  source.cancel();
  const CallContext call{Deadline{}, source.token()};
  expect_error(Errc::cancelled, "Cancelled while waiting for tea", [&] { call.check("tea"); });
}
TEST(Calls, AtMostTakesTheEarlierDeadline) {
  const CallContext call{1h};
  EXPECT_LE(call.at_most(1min).remaining(), 1min);
  EXPECT_EQ(call.at_most(2h).deadline(), call.deadline());
}

struct Recorder final : ProgressSink {
  void progress(std::string_view stage, std::uint64_t done, std::uint64_t total) noexcept override {
    text += std::string{stage} + " " + std::to_string(done) + "/" + std::to_string(total) + "\n";
  }
  std::string text;
};
TEST(Calls, ProgressReachesItsSink) {
  Recorder recorder;
  const CallContext call{Deadline::max(), {}, &recorder};
  call.report("spawn");
  call.at_most(1s).report("copy", 1, 2);
  CallContext{1s}.report("nobody hears this");
  EXPECT_EQ(recorder.text, "spawn 0/0\ncopy 1/2\n");
}

}  // namespace
}  // namespace visor

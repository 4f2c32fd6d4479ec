// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/gate.hpp"
#include "visor/core/error.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

TEST(Gate, LetsOneThroughAtATime) {
  Gate gate;
  std::atomic<int> inside{0};
  std::atomic<int> passes{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 200; ++turn) {
        const auto pass = gate.enter(60s, "a turn");
        EXPECT_EQ(++inside, 1);
        ++passes;
        --inside;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(passes, 1600);
}

TEST(Gate, EndsAtTheDeadlineAndAtACancellation) {
  Gate gate;
  const auto pass = gate.enter(1s, "the first");
  try {
    (void)gate.enter(0ms, "the second");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::timeout);
    EXPECT_NE(error.message().find("the second"), std::string::npos);
  }
  CancelSource source;
  std::jthread canceller{[&] { source.cancel(); }};
  try {
    (void)gate.enter({std::chrono::steady_clock::now() + 60s, source.token()}, "the third");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::cancelled);
  }
}

}  // namespace
}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#include "support/left_over.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>

namespace visor::test {
namespace {

using namespace std::chrono_literals;

TEST(LeftOver, ChildrenAndTheirsAreKilledAndNamed) {
  adopt_orphans();
  std::array<int, 2> both_live{};
  ASSERT_EQ(::pipe(both_live.data()), 0);
  if (::fork() == 0) {
    if (::fork() == 0 && ::write(both_live[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(both_live[0], &byte, 1), 1);
  const auto left = left_processes(0ms);
  EXPECT_EQ(left.size(), 2U) << ::testing::PrintToString(left);
  EXPECT_EQ(::waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG), -1) << "not all were reaped";
  for (const int fd : both_live) ::close(fd);
}

TEST(LeftOver, WhatHasEndedIsOnlyReaped) {
  for (int i = 0; i < 50; ++i) {
    const auto child = ::fork();
    if (child == 0) ::_exit(0);
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  }
  const auto left = left_processes(0ms);
  EXPECT_TRUE(left.empty()) << ::testing::PrintToString(left);
  EXPECT_EQ(::waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG), -1) << "not all were reaped";
}

}  // namespace
}  // namespace visor::test

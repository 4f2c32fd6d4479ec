// SPDX-License-Identifier: Apache-2.0
#include "channel.hpp"
#include "visor/core/unique_fd.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>

namespace visor::sdk {
namespace {

struct Ends {
  UniqueFd ours;
  UniqueFd keeper;
};

Ends connected() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
  return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

Deadline soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(20); }

TEST(ChannelTest, LastWordsAreHeardThoughTheKeeperDidNotReadOurs) {
  auto ends = connected();
  send_message(ends.ours.get(), wire::Message("operation"), soon());
  send_message(ends.keeper.get(), wire::Message("exited"), soon());
  ends.keeper.reset();
  const auto received = receive_message(ends.ours.get());
  ASSERT_TRUE(received.message);
  EXPECT_EQ(received.message->verb(), "exited");
  EXPECT_TRUE(receive_message(ends.ours.get()).end);
}

TEST(ChannelTest, AKeeperThatLeavesWithoutAWordIsTheEnd) {
  auto ends = connected();
  send_message(ends.ours.get(), wire::Message("operation"), soon());
  EXPECT_FALSE(receive_message(ends.ours.get()).end);
  ends.keeper.reset();
  EXPECT_TRUE(receive_message(ends.ours.get()).end);
}

}  // namespace
}  // namespace visor::sdk

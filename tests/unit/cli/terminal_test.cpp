// SPDX-License-Identifier: Apache-2.0
#include "terminal.hpp"

#include <gtest/gtest.h>

namespace visor::cli {
namespace {

TEST(EscapeFilter, PassesWhatIsTyped) {
  EscapeFilter filter;
  const auto result = filter.feed("ls\r\x03\xc3\xbc");
  EXPECT_EQ(result.bytes, "ls\r\x03\xc3\xbc");
  EXPECT_FALSE(result.leave);
}

TEST(EscapeFilter, LeavesAndDropsWhatFollows) {
  EscapeFilter filter;
  const auto result = filter.feed("ab\x1dqcd");
  EXPECT_EQ(result.bytes, "ab");
  EXPECT_TRUE(result.leave);
  EXPECT_TRUE(EscapeFilter{}.feed("\x1d.").leave);
}

TEST(EscapeFilter, RemembersTheEscapeBetweenReads) {
  EscapeFilter filter;
  EXPECT_EQ(filter.feed("x\x1d").bytes, "x");
  EXPECT_TRUE(filter.feed("q").leave);
}

TEST(EscapeFilter, SendsControlKeysAndItself) {
  EscapeFilter filter;
  EXPECT_EQ(filter
                .feed("\x1d"
                      "c")
                .bytes,
            "\x03");
  EXPECT_EQ(filter.feed("\x1d\x1d").bytes, "\x1d");
  EXPECT_EQ(filter.feed("\x1dz").bytes, "\x1dz");
}

}  // namespace
}  // namespace visor::cli

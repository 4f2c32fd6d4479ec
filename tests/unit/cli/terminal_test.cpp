// SPDX-License-Identifier: Apache-2.0
#include "terminal.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace visor::cli {
namespace {

/// Runs the function in a process of its own whose stdin is a new terminal. Returns what it returned.
int on_a_terminal(int (*function)()) {
  int host = -1;
  const auto child = ::forkpty(&host, nullptr, nullptr, nullptr);
  if (child == 0) ::_exit(function());
  int status = -1;
  ::waitpid(child, &status, 0);
  ::close(host);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool echoes() {
  termios mode{};
  return ::tcgetattr(STDIN_FILENO, &mode) == 0 && (mode.c_lflag & ECHO) != 0;
}

TEST(KeyMode, EndsWithTheObject) {
  EXPECT_EQ(on_a_terminal([] {
              if (!echoes()) return 1;
              {
                const KeyMode keys{false};
                if (!keys.active() || echoes()) return 2;
              }
              return echoes() ? 0 : 3;
            }),
            0);
}

TEST(KeyMode, IsUndoneForAnEndWithoutDestructors) {
  EXPECT_EQ(on_a_terminal([] {
              const KeyMode keys{false};
              if (!keys.active() || echoes()) return 2;
              restore_terminal();
              return echoes() ? 0 : 3;
            }),
            0);
}

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

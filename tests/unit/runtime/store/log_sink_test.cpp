// SPDX-License-Identifier: Apache-2.0
#include "visor/runtime/log_sink.hpp"

#include "visor/core/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace visor {
namespace {

using testing::HasSubstr;

TEST(Printable, EscapesWhatATerminalActsOn) {
  EXPECT_EQ(printable("plain text"), "plain text");
  EXPECT_EQ(printable("a\x1b[31mb\n\tc\x7f"), "a\\x1b[31mb\\x0a\\x09c\\x7f");
  EXPECT_EQ(printable("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xc2\\x9b31m");
  EXPECT_EQ(printable("\xc2"), "\xc2");
}

TEST(LogLevels, HaveNamesBothWays) {
  for (const auto* name : {"trace", "debug", "info", "warning", "error", "off"}) {
    EXPECT_EQ(to_string(log_level_from_string(name)), name);
  }
  EXPECT_THROW(
      {
        try {
          (void)log_level_from_string("loud");
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), Errc::invalid_config);
          EXPECT_THAT(error.message(), HasSubstr("trace, debug, info, warning, error, off"));
          throw;
        }
      },
      Error);
}

TEST(StderrLog, WritesItsLevelAndAboveOnOneLineEach) {
  testing::internal::CaptureStderr();
  const auto log = make_stderr_log(LogLevel::warning);
  EXPECT_FALSE(log->enabled(LogLevel::info));
  EXPECT_TRUE(log->enabled(LogLevel::error));
  EXPECT_FALSE(log->enabled(LogLevel::off));
  log->write(LogLevel::info, "vm0", "not shown");
  log->write(LogLevel::warning, "vm0", "slow\nsecond {} \x1b[0m");
  log->write(LogLevel::error, "", "no VM");
  const auto text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, testing::Not(HasSubstr("not shown")));
  EXPECT_THAT(text, HasSubstr("warning: vm0: slow\\x0asecond {} \\x1b[0m\n"));
  EXPECT_THAT(text, HasSubstr("error: no VM\n"));
}

}  // namespace
}  // namespace visor

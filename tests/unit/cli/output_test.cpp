// SPDX-License-Identifier: Apache-2.0
#include "output.hpp"

#include "exit_code.hpp"
#include "visor/core/json.hpp"
#include "vm_value.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace visor::cli {
namespace {

using testing::HasSubstr;

TEST(Table, AlignsColumnsByWhatIsShown) {
  EXPECT_EQ(table({{"ID", "NAME"}, {"vm10", "x"}, {"\xc3\xbc", "y"}}), "ID    NAME\nvm10  x\n\xc3\xbc     y\n");
  EXPECT_EQ(table({}), "");
}

TEST(PrintableLines, KeepsLinesAndNothingElse) {
  EXPECT_EQ(printable_lines("a\nb\x1b[1m\r\n"), "a\nb\\x1b[1m\\x0d\n");
  EXPECT_EQ(printable_lines("a"), "a");
}

TEST(OutputError, IsTextWithAHintOrOneLineOfJson) {
  Output out;
  testing::internal::CaptureStderr();
  out.error(Error(Errc::not_found, "No VM\x07 'x'\n"), "visor ps");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "visor: No VM\\x07 'x'\nhint: visor ps\n");
  out.json = true;
  testing::internal::CaptureStderr();
  out.error(Error(Errc::not_found, "No VM\x07 'x'"), "visor ps");
  const auto error = parse_json(testing::internal::GetCapturedStderr()).at("error");
  EXPECT_EQ(error.at("code").as_string(), "not_found");
  EXPECT_EQ(error.at("message").as_string(), "No VM\x07 'x'");
  EXPECT_EQ(error.at("hint").as_string(), "visor ps");
}

TEST(ExitCodes, FollowTheTable) {
  EXPECT_EQ(exit_code_of(Errc::invalid_config), 2);
  EXPECT_EQ(exit_code_of(Errc::not_found), 3);
  EXPECT_EQ(exit_code_of(Errc::unsupported), 4);
  EXPECT_EQ(exit_code_of(Errc::incompatible_plugin), 4);
  EXPECT_EQ(exit_code_of(Errc::timeout), 5);
  EXPECT_EQ(exit_code_of(Errc::busy), 6);
  EXPECT_EQ(exit_code_of(Errc::already_exists), 6);
  EXPECT_EQ(exit_code_of(Errc::invalid_state), 6);
  EXPECT_EQ(exit_code_of(Errc::permission_denied), 8);
  for (const auto code : {Errc::disconnected, Errc::hypervisor_error, Errc::wrong_thread, Errc::cancelled,
                          Errc::exhausted, Errc::io_error, Errc::internal, static_cast<Errc>(9999)}) {
    EXPECT_EQ(exit_code_of(code), 1) << to_string(code);
  }
}

TEST(ExitText, TellsStderrOfAFailureOnce) {
  ExitRecord record;
  record.cause = ExitCause::exit_code;
  record.code = 1;
  record.text = "Exit code 1";
  record.stderr_tail = "qemu: no such device\n";
  EXPECT_EQ(exit_code_of(record), 7);
  EXPECT_EQ(exit_text("vm0", record), "The VM 'vm0' failed: exit_code: Exit code 1\nqemu: no such device");
  record.text += ": qemu: no such device\n";
  EXPECT_EQ(exit_text("vm0", record), "The VM 'vm0' failed: exit_code: Exit code 1: qemu: no such device");
  record = {};
  record.cause = ExitCause::guest_shutdown;
  EXPECT_EQ(exit_code_of(record), 0);
  EXPECT_THAT(exit_text("vm0", record), HasSubstr("ended: guest_shutdown"));
}

TEST(IsoTime, IsUtcWithMilliseconds) {
  EXPECT_EQ(iso_time(std::chrono::system_clock::time_point{std::chrono::milliseconds{1700000000042}}),
            "2023-11-14T22:13:20.042Z");
}

}  // namespace
}  // namespace visor::cli

// SPDX-License-Identifier: Apache-2.0
#include "qemu/exit_cause.hpp"

#include <gtest/gtest.h>

namespace visor::sdk {
namespace {

sdk::ExitRecord ended(ExitStatus::Kind kind, int value, std::vector<std::string> lines = {}) {
  sdk::ExitRecord record;
  record.status.kind = kind;
  record.status.value = value;
  for (auto& line : lines) record.last_lines.push_back({.line = std::move(line)});
  return record;
}

std::string shutdown(const std::string& reason) {
  return R"({"timestamp":{"seconds":1,"microseconds":0},"event":"SHUTDOWN","data":{"guest":true,"reason":")" + reason +
         R"("}})";
}

using Kind = ExitStatus::Kind;

TEST(ExitCause, EventsComeBeforeTheCode) {
  EXPECT_EQ(explain_exit(ended(Kind::code, 0, {shutdown("guest-panic")})).cause, ExitCause::guest_panic);
  EXPECT_EQ(explain_exit(ended(Kind::code, 0, {shutdown("guest-shutdown")})).cause, ExitCause::guest_shutdown);
  EXPECT_EQ(explain_exit(ended(Kind::code, 0, {shutdown("guest-reset")})).cause, ExitCause::guest_reset);
  EXPECT_EQ(explain_exit(ended(Kind::code, 0, {shutdown("host-qmp-quit")})).cause, ExitCause::stopped);
  EXPECT_EQ(explain_exit(ended(Kind::code, 0)).cause, ExitCause::stopped);
  EXPECT_EQ(explain_exit(ended(Kind::code, 0, {shutdown("guest-shutdown"), "garbage"})).last_event, "SHUTDOWN");
}

TEST(ExitCause, CodeAndSignalCarryTheLastWords) {
  auto died = ended(Kind::code, 1);
  died.stderr_tail = "first\nqemu: no such thing\x1b[0m\n";
  const auto exit = explain_exit(died);
  EXPECT_EQ(exit.cause, ExitCause::exit_code);
  EXPECT_EQ(exit.code, 1);
  EXPECT_EQ(exit.text, "QEMU ended with exit code 1: first | qemu: no such thing\\x1b[0m");
  EXPECT_EQ(explain_exit(ended(Kind::signal, 11)).cause, ExitCause::signal);
  EXPECT_EQ(explain_exit(ended(Kind::signal, 11)).signal, 11);
}

TEST(ExitCause, AHelperThatFailedBeforeMayBeWhy) {
  auto died = ended(Kind::code, 1);
  HelperExit well;
  well.name = "fs-a";
  well.status = {Kind::code, 0, false};
  HelperExit failed;
  failed.name = "fs-b";
  failed.status = {Kind::code, 4, false};
  failed.stderr_tail = "no such folder\n";
  died.helpers = {well, failed};
  EXPECT_EQ(explain_exit(died).text,
            "The helper fs-b ended with exit code 4: no such folder (shared_fs.daemon and shared_fs.daemon_args say "
            "how it is "
            "started); after it QEMU ended with exit code 1");
}

TEST(ExitCause, WhatTheKeeperEndedWasStopped) {
  auto killed = ended(Kind::signal, 9);
  killed.ended_by = EndedBy::kill;
  EXPECT_EQ(explain_exit(killed).cause, ExitCause::stopped);
  EXPECT_EQ(explain_exit(ended(Kind::unknown, 0)).cause, ExitCause::unknown);
  EXPECT_EQ(final_state(unwitnessed_exit()), VmState::failed);
}

TEST(ExitCause, OfAnAdoptedProcessWhatLedToTheEndCounts) {
  const auto adopted = [](std::vector<std::string> lines) {
    return explain_exit(ended(Kind::unknown, 0, std::move(lines))).cause;
  };
  EXPECT_EQ(adopted({shutdown("host-qmp-quit")}), ExitCause::stopped);
  EXPECT_EQ(adopted({shutdown("guest-shutdown")}), ExitCause::guest_shutdown);
  EXPECT_EQ(adopted({shutdown("guest-reset")}), ExitCause::guest_reset);
  EXPECT_EQ(adopted({shutdown("guest-panic")}), ExitCause::guest_panic);
  auto killed = ended(Kind::unknown, 0);
  killed.ended_by = EndedBy::kill;
  EXPECT_EQ(explain_exit(killed).cause, ExitCause::stopped);
}

TEST(ExitCause, AnEndIsKeptInARecord) {
  visor::ExitRecord exit;
  exit.cause = ExitCause::exit_code;
  exit.code = 3;
  exit.text = "It failed";
  exit.time = std::chrono::system_clock::time_point{std::chrono::microseconds{1'700'000'000'000'001}};
  const auto value = exit_to_value(exit);
  const auto read = exit_from_value(&value);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->cause, exit.cause);
  EXPECT_EQ(read->code, exit.code);
  EXPECT_EQ(read->signal, exit.signal);
  EXPECT_EQ(read->text, exit.text);
  EXPECT_EQ(read->time, exit.time);
  EXPECT_FALSE(exit_from_value(nullptr));
  for (const auto& other : {Value{}, Value{true}, Value::map({{"cause", "stopped"}})}) {
    EXPECT_FALSE(exit_from_value(&other));
  }
}

}  // namespace
}  // namespace visor::sdk

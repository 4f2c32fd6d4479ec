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

TEST(ExitCause, WhatTheKeeperEndedWasStopped) {
  auto killed = ended(Kind::signal, 9);
  killed.ended_by = EndedBy::kill;
  EXPECT_EQ(explain_exit(killed).cause, ExitCause::stopped);
  EXPECT_EQ(explain_exit(ended(Kind::unknown, 0)).cause, ExitCause::unknown);
  EXPECT_EQ(final_state(unwitnessed_exit()), VmState::failed);
}

}  // namespace
}  // namespace visor::sdk

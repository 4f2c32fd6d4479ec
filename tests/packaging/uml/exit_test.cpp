// SPDX-License-Identifier: Apache-2.0
// What the keeper's record of a User-Mode Linux means, without one.
#include "exit.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace {

using visor::ExitCause;
using visor::sdk::EndedBy;
using Kind = visor::sdk::ExitStatus::Kind;

constexpr const char* halted = "mmapper_init - find_iomem failed\n[    2.1] reboot: System halted\r\n";

ExitCause cause(EndedBy ended_by, const std::string& words, visor::sdk::ExitStatus status = {Kind::code, 0, false}) {
  visor::sdk::ExitRecord kept;
  kept.status = status;
  kept.ended_by = ended_by;
  kept.stderr_tail = words;
  return uml::explain(kept).cause;
}

TEST(UmlExit, TheGuestsLastWordCounts) {
  EXPECT_EQ(cause(EndedBy::itself, halted), ExitCause::guest_shutdown);
  EXPECT_EQ(cause(EndedBy::itself, "reboot: Power down\n"), ExitCause::guest_shutdown);
  EXPECT_EQ(cause(EndedBy::itself, "reboot: Restarting system\n"), ExitCause::guest_reset);
  EXPECT_EQ(cause(EndedBy::itself, std::string{"reboot: Restarting system\n"} + halted), ExitCause::guest_shutdown);
  EXPECT_EQ(cause(EndedBy::itself, ""), ExitCause::guest_shutdown);
}

TEST(UmlExit, AStopIsWhatTheGuestHadNoPartIn) {
  EXPECT_EQ(cause(EndedBy::owner, halted), ExitCause::guest_shutdown);
  EXPECT_EQ(cause(EndedBy::owner, "mmapper_init - find_iomem failed\n"), ExitCause::stopped);
  EXPECT_EQ(cause(EndedBy::owner, ""), ExitCause::stopped);
  EXPECT_EQ(cause(EndedBy::owner, "reboot: Restarting system\n"), ExitCause::guest_reset);
  EXPECT_EQ(cause(EndedBy::term, halted), ExitCause::stopped);
  EXPECT_EQ(cause(EndedBy::kill, "", {Kind::signal, SIGKILL, false}), ExitCause::stopped);
}

TEST(UmlExit, APanicAndACrashAreNoStop) {
  const visor::sdk::ExitStatus abort{Kind::signal, SIGABRT, false};
  EXPECT_EQ(cause(EndedBy::owner, "Kernel panic - not syncing: sysrq\n", abort), ExitCause::guest_panic);
  EXPECT_EQ(cause(EndedBy::owner, "", abort), ExitCause::signal);
  EXPECT_EQ(cause(EndedBy::itself, "", {Kind::code, 1, false}), ExitCause::exit_code);
  EXPECT_EQ(cause(EndedBy::itself, halted, {Kind::unknown, 0, false}), ExitCause::unknown);
}

}  // namespace

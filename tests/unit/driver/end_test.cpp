// SPDX-License-Identifier: Apache-2.0
// The rungs of the stop ladder, and ends that nobody asked for.
#include "fixture.hpp"
#include "support/suspend.hpp"
#include "visor/sdk/process/process_identity.hpp"

#include <csignal>
#include <future>
#include <ostream>

namespace visor::sdk {
namespace {

using EndTest = DriverTest;

struct Ladder {
  const char* name;
  std::vector<std::string> words;  // what the fake QEMU does
  StopRung rung;
  const char* cause;
  bool force = false;
  friend std::ostream& operator<<(std::ostream& out, const Ladder& ladder) { return out << ladder.name; }
};

class Stops : public DriverTest, public ::testing::WithParamInterface<Ladder> {};

TEST_P(Stops, OnTheFirstRungThatHelps) {
  const auto vm = start(GetParam().words);
  // A rung that does not help is waited for no longer than 50 ms; the one that does gets the time it needs.
  StopOptions options{.force = GetParam().force, .hypervisor_grace = limit, .terminate_grace = limit};
  if (GetParam().rung > StopRung::guest) options.guest_grace = 50ms;
  if (GetParam().rung > StopRung::hypervisor) options.hypervisor_grace = 50ms;
  if (GetParam().rung > StopRung::terminate) options.terminate_grace = 50ms;
  const auto stopped = vm->stop(options, limit);
  EXPECT_EQ(to_string(stopped.rung), to_string(GetParam().rung)) << stopped.exit.text;
  EXPECT_EQ(to_string(stopped.exit.cause), GetParam().cause);
  EXPECT_EQ(vm->status(limit).state, VmState::stopped);
  EXPECT_EQ(to_string(vm->stop({}, limit).rung), "already_stopped");
  expect_nothing_runs();
}

INSTANTIATE_TEST_SUITE_P(
    Rungs, Stops,
    ::testing::Values(
        Ladder{"guest", {}, StopRung::guest, "guest_shutdown"},
        Ladder{"hypervisor_when_the_guest_is_deaf", {"system_powerdown=ignore"}, StopRung::hypervisor, "stopped"},
        Ladder{"hypervisor_when_the_button_is_refused", {"system_powerdown=error"}, StopRung::hypervisor, "stopped"},
        Ladder{"terminate", {"system_powerdown=ignore", "quit=ignore"}, StopRung::terminate, "stopped"},
        Ladder{"terminate_when_the_monitor_closes", {"system_powerdown=close"}, StopRung::terminate, "stopped"},
        Ladder{"terminate_by_force", {}, StopRung::terminate, "stopped", true},
        Ladder{"kill", {"system_powerdown=ignore", "quit=ignore", "sigterm=ignore"}, StopRung::kill, "stopped"},
        Ladder{"kill_when_all_hangs", {"system_powerdown=hang"}, StopRung::kill, "stopped"},
        Ladder{"kill_by_force", {"sigterm=ignore"}, StopRung::kill, "stopped", true}),
    [](const auto& ladder) { return std::string{ladder.param.name}; });

TEST_F(EndTest, AnExitCodeAndTheLastWordsAreKept) {
  const auto vm = start({"stop=exit", "exit-code=9", "stderr=qemu: out of luck"});
  EXPECT_EQ(to_string(error_of([&] { vm->pause(limit); }).code()), "disconnected");
  const auto exit = vm->wait_exit(limit);
  EXPECT_EQ(to_string(exit.cause), "exit_code");
  EXPECT_EQ(exit.code, 9);
  EXPECT_EQ(exit.stderr_tail, "qemu: out of luck\n");
  EXPECT_NE(exit.text.find("exit code 9: qemu: out of luck"), std::string::npos) << exit.text;
  EXPECT_EQ(vm->status(limit).state, VmState::failed);
  EXPECT_EQ(to_string(error_of([&] { vm->check(limit); }).code()), "disconnected");
}

TEST_F(EndTest, AnExitCodeOfZeroIsNoFailure) {
  const auto vm = start({"stop=exit"});
  (void)error_of([&] { vm->pause(limit); });
  EXPECT_EQ(vm->wait_exit(limit).code, 0);
  EXPECT_EQ(vm->status(limit).state, VmState::stopped);
}

TEST_F(EndTest, AnotherHandleLearnsOfTheEndLater) {
  const auto record = start({"exit-code=4"})->record();
  ASSERT_EQ(::kill(record.hypervisor.pid, SIGTERM), 0);
  const auto vm = hypervisor().attach(record, limit);
  const auto exit = vm->wait_exit(limit);
  EXPECT_EQ(to_string(exit.cause), "exit_code");
  EXPECT_EQ(exit.code, 4);
  EXPECT_EQ(exit.last_event, "SHUTDOWN");
}

TEST_F(EndTest, ASignalIsKept) {
  const auto vm = start();
  ASSERT_EQ(::kill(vm->record().hypervisor.pid, SIGKILL), 0);
  const auto exit = vm->wait_exit(limit);
  EXPECT_EQ(to_string(exit.cause), "signal");
  EXPECT_EQ(exit.signal, SIGKILL);
  EXPECT_EQ(vm->status(limit).state, VmState::failed);
}

TEST_F(EndTest, AStopThatSentNoSignalSaysSo) {
  const auto vm = start();
  const auto record = vm->record();
  ASSERT_TRUE(test::suspend(record.keeper.pid));  // so that nobody tells of the end
  ASSERT_EQ(::kill(record.hypervisor.pid, SIGKILL), 0);
  const auto qemu = Pidfd::open({record.hypervisor.pid, record.hypervisor.start_time});
  ASSERT_TRUE(!qemu || qemu->wait_end(std::chrono::steady_clock::now() + limit));
  EXPECT_EQ(to_string(vm->stop({.force = true}, 2s).rung), "already_stopped");
  ASSERT_EQ(::kill(record.keeper.pid, SIGCONT), 0);
}

/// Its keeper notices only when the stop has gone on to the next rung, and finds nothing to signal there.
TEST_F(EndTest, AQemuThatEndsBetweenTwoRungsWasStopped) {
  const auto vm = start({"system_powerdown=ignore"});
  const auto record = vm->record();
  const auto qemu = Pidfd::open({record.hypervisor.pid, record.hypervisor.start_time});
  ASSERT_TRUE(qemu);
  ASSERT_TRUE(test::suspend(record.keeper.pid));
  auto stopped = std::async(std::launch::async, [&] {
    return vm->stop({.guest_grace = 50ms, .hypervisor_grace = 50ms, .terminate_grace = limit}, limit);
  });
  EXPECT_TRUE(qemu->wait_end(std::chrono::steady_clock::now() + limit));
  log().expect("did not end when it was asked to", 2);
  ASSERT_EQ(::kill(record.keeper.pid, SIGCONT), 0);
  const auto result = stopped.get();
  EXPECT_EQ(to_string(result.rung), "hypervisor");
  EXPECT_EQ(to_string(result.exit.cause), "stopped") << result.exit.text;
}

/// The owner was asked through the keeper, which dies before QEMU does.
TEST_F(EndTest, AStopThatAnotherHandleAskedForIsNoFailureToTheOwner) {
  const auto owner = start({"system_powerdown=ignore"});
  const auto record = owner->record();
  const auto other = hypervisor().attach(record, limit);
  auto stopped = std::async(std::launch::async, [&] { return other->stop({}, limit); });
  log().expect("asked to stop the VM");
  ASSERT_EQ(::kill(record.keeper.pid, SIGKILL), 0);
  EXPECT_EQ(to_string(owner->wait_exit(limit).cause), "stopped");
  EXPECT_EQ(owner->status(limit).state, VmState::stopped);
  EXPECT_EQ(to_string(stopped.get().exit.cause), "stopped");
}

TEST_F(EndTest, AnEphemeralVmEndsWithItsHandle) {
  auto ephemeral = config();
  ephemeral.ephemeral = true;
  std::filesystem::create_directory(run_dir());
  {
    const auto vm = hypervisor().create(ephemeral, "vm", run_dir());
    vm->start(limit);
    EXPECT_EQ(vm->status(limit).state, VmState::running);
  }
  expect_nothing_runs();
}

}  // namespace
}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include "visor/sdk/process/reaper.hpp"

#include <csignal>
#include <optional>
#include <thread>
#include <utility>

namespace visor::sdk {
namespace {

using LifeTest = ProcessTest;

/// A grace that no test lives to see the end of.
constexpr std::uint32_t patience_ms = 500'000;

// The end of somebody else's keeper: the record is there once the process is not.
ExitRecord await_record(const std::string& run_dir, const ProcessIdentity& keeper, Deadline deadline) {
  const auto process = Pidfd::open(keeper);
  EXPECT_TRUE(!process || process->wait_end(deadline));
  return read_exit_record(run_dir).value_or(ExitRecord{});
}

TEST_F(LifeTest, ClosingBeforeCommitEndsTheProcess) {
  auto keeper = std::optional(launch(shell("read x", true)));
  const auto identity = keeper->identity();
  const auto main = keeper->main_process().identity;
  keeper.reset();
  const auto record = await_record(dir_, identity, soon());
  EXPECT_EQ(record.ended_by, EndedBy::term);
  EXPECT_EQ(record.cause, "lifeline");
  EXPECT_FALSE(alive(main));
  expect_cleaned();
}

TEST_F(LifeTest, ClosingAfterCommitLetsItRun) {
  auto keeper = std::optional(launch(shell("read x", true)));
  const auto main = keeper->main_process().identity;
  keeper->commit();
  keeper.reset();
  auto later = Keeper::attach(dir_, soon());
  EXPECT_TRUE(alive(main));
  EXPECT_EQ(later.main_process().identity, main);
  EXPECT_TRUE(later.status(soon()).committed);
  later.kill(soon());
  EXPECT_FALSE(alive(main));
}

TEST_F(LifeTest, EphemeralEndsWithItsCreatorEvenAfterCommit) {
  auto spec = shell("read x", true);
  spec.ephemeral = true;
  auto keeper = std::optional(launch(spec));
  const auto identity = keeper->identity();
  keeper->commit();
  EXPECT_TRUE(keeper->status(soon()).ephemeral);
  keeper.reset();
  EXPECT_EQ(await_record(dir_, identity, soon()).cause, "lifeline");
}

TEST_F(LifeTest, EphemeralCanBeTakenBack) {
  auto spec = shell("read x", true);
  spec.ephemeral = true;
  auto keeper = std::optional(launch(spec));
  keeper->commit();
  keeper->set_ephemeral(false);
  keeper.reset();
  auto later = Keeper::attach(dir_, soon());
  EXPECT_FALSE(later.status(soon()).ephemeral);
  EXPECT_TRUE(alive(later.main_process().identity));
  later.kill(soon());
}

TEST_F(LifeTest, ALaterSessionCanBecomeTheLifeline) {
  auto creator = launch(shell("read x", true));
  creator.commit();
  auto second = std::optional(Keeper::attach(dir_, soon()));
  second->set_ephemeral(true);
  second.reset();
  EXPECT_EQ(expect_exit(creator).cause, "lifeline");
}

TEST_F(LifeTest, SigtermToTheKeeperEndsEverything) {
  auto keeper = launch(shell("read x", true));
  keeper.commit();
  send_signal(keeper.identity(), SIGTERM);
  const auto record = expect_exit(keeper);
  EXPECT_EQ(record.cause, "keeper");
  EXPECT_EQ(record.ended_by, EndedBy::term);
}

TEST_F(LifeTest, KeeperIgnoresWhatATerminalSends) {
  auto keeper = launch(shell("read x; exit 4", true));
  send_signal(keeper.identity(), SIGINT);
  send_signal(keeper.identity(), SIGHUP);
  EXPECT_NE(::getpgid(keeper.identity().pid), ::getpgrp());
  const auto console = connect_console(dir_, soon());
  write_all(console.get(), "\n");
  EXPECT_EQ(expect_exit(keeper).status.value, 4);
}

TEST_F(LifeTest, HelpersStartFirstAndEndLast) {
  // Each says when it starts and when it is told to end; the main process when it ends.
  const auto log = file("order");
  const auto helper = [&log](const std::string& name) {
    return "trap 'echo end-" + name + " >> " + log + "; exit 0' TERM; echo start-" + name + " >> " + log +
           "; while :; do sleep 0.01; done";
  };
  auto spec = shell("until grep -q start-one " + log + " && grep -q start-two " + log +
                    "; do sleep 0.01; done; echo main >> " + log);
  spec.helpers = {shell_process("one", helper("one")), shell_process("two", helper("two"))};
  auto keeper = launch(spec);
  EXPECT_EQ(keeper.processes().size(), 3U);
  EXPECT_EQ(keeper.processes()[1].name, "one");
  expect_exit(keeper);
  const auto text = read_file(log);
  const auto end = text.substr(text.find("main"));
  EXPECT_TRUE(end == "main\nend-two\nend-one\n" || end == "main\nend-one\nend-two\n") << end;
}

// The first is told to end while the second, told before it, still hangs.
TEST_F(LifeTest, HelpersShareOneGrace) {
  const auto told = file("told");
  auto spec = shell("read x", true);
  spec.helpers = {
      shell_process("first", "trap 'touch " + told + "; exit 0' TERM; echo ready >&2; while :; do sleep 0.01; done"),
      shell_process("second", "trap '' TERM; echo ready >&2; until [ -e " + told + " ]; do sleep 0.01; done; exit 5")};
  spec.watch.helper_term_ms = patience_ms;
  auto keeper = launch(spec);
  for (const auto* helper : {"first", "second"}) {
    while (keeper.stderr_tail(helper, soon()).empty()) {
    }
  }
  const auto console = connect_console(dir_, soon());
  write_all(console.get(), "\n");
  expect_exit(keeper);
  EXPECT_TRUE(exists(told));
}

// The helper would be waited for longer than the test has.
TEST_F(LifeTest, ByForceHelpersGetNoGrace) {
  for (const bool late : {false, true}) {
    auto spec = shell("read x", true);
    const auto told = file("told");
    spec.helpers = {
        shell_process("stubborn", "trap 'touch " + told + "' TERM; echo ready >&2; while :; do sleep 0.01; done")};
    spec.watch.helper_term_ms = patience_ms;
    auto keeper = launch(spec);
    while (keeper.stderr_tail("stubborn", soon()).empty()) {
    }
    if (late) {  // the keeper is waiting for it already
      send_signal(keeper.main_process().identity, SIGKILL);
      while (!exists(told)) std::this_thread::yield();
    }
    keeper.kill(soon());
    EXPECT_EQ(exists(told), late);
    EXPECT_FALSE(alive(keeper.processes()[1].identity));
  }
}

TEST_F(LifeTest, AHelperThatIgnoresSigtermIsKilled) {
  auto spec = shell("read x", true);
  spec.helpers = {shell_process("stubborn", "trap '' TERM; echo ready >&2; while :; do sleep 0.01; done")};
  spec.watch.helper_term_ms = 20;
  auto keeper = launch(spec);
  while (keeper.stderr_tail("stubborn", soon()).empty()) {
  }
  const auto helper = keeper.processes()[1].identity;
  keeper.stop({}, soon());
  EXPECT_FALSE(alive(helper));
}

TEST_F(LifeTest, ADeadHelperIsReportedAndStandsInTheRecord) {
  auto spec = shell("read x; exit 2", true);
  spec.helpers = {shell_process("frail", "echo broken >&2; exit 9")};
  auto keeper = launch(spec);
  const auto event = expect_event(keeper, KeeperEvent::Kind::helper_exited);
  ASSERT_TRUE(event.helper);
  EXPECT_EQ(event.helper->name, "frail");
  EXPECT_EQ(event.helper->status, (ExitStatus{ExitStatus::Kind::code, 9, false}));
  EXPECT_EQ(event.helper->stderr_tail, "broken\n");
  EXPECT_TRUE(keeper.status(soon()).processes[1].exit);
  const auto console = connect_console(dir_, soon());
  write_all(console.get(), "\n");
  const auto record = expect_exit(keeper);
  ASSERT_EQ(record.helpers.size(), 1U);
  EXPECT_EQ(record.helpers[0].name, "frail");
  EXPECT_EQ(record.helpers[0].status.value, 9);
}

TEST_F(LifeTest, EndsWhatTheProcessLeftBehind) {
  auto spec = shell("setsid sleep 1000 & echo $! >&2; exit 0");
  auto keeper = launch(spec);
  const auto record = expect_exit(keeper);
  EXPECT_FALSE(identify(std::stoi(record.stderr_tail)));
}

TEST_F(LifeTest, AStrayThatHoldsStderrDelaysNothing) {
  auto spec = shell("sleep 1000 & echo gone >&2; exit 1");
  auto keeper = launch(spec);
  EXPECT_EQ(expect_exit(keeper).stderr_tail, "gone\n");
}

TEST_F(LifeTest, LeavesNoDescriptorAndNoProcessAfterManyLaunches) {
  for (int i = 0; i < 50; ++i) {
    auto keeper = launch(shell("exit 0"));
    expect_exit(keeper);
  }
  // TearDown counts.
}

TEST_F(LifeTest, AFullDiskLosesTheRecordButNotTheNews) {
  auto spec = shell("exit 6");
  ASSERT_EQ(::symlink("/dev/full", (file("exit.new")).c_str()), 0);  // never followed: the write fails
  auto keeper = launch(spec);
  EXPECT_EQ(expect_exit(keeper).status.value, 6);
  EXPECT_FALSE(read_exit_record(dir_));
}

}  // namespace
}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include <csignal>
#include <future>
#include <optional>
#include <thread>

namespace visor::sdk {
namespace {

using std::chrono::milliseconds;

class StopTest : public ProcessTest {
 protected:
  // Ends with code 7 at the first line on its console.
  static KeeperSpec obedient() { return shell("echo ready; read x; exit 7", true); }
  static KeeperSpec stubborn() { return shell("trap '' TERM; echo ready; while :; do read x || sleep 1; done", true); }

  // Launched, and past the point where traps are set.
  Keeper ready(const KeeperSpec& spec) const {
    auto keeper = launch(spec);
    keeper.commit();
    const auto console = connect_console(dir_, soon());
    read_until(console.get(), "ready");
    return keeper;
  }

  static StopOptions quick() {
    StopOptions options;
    options.owner_answer = milliseconds(30);
    options.grace = milliseconds(30);
    options.term = milliseconds(30);
    return options;
  }

  static StopOptions patient() {
    StopOptions options;
    options.owner_answer = options.grace = options.term = std::chrono::seconds(30);
    return options;
  }
};

TEST_F(StopTest, WithoutAnOwnerTermEndsIt) {
  const auto keeper = ready(obedient());
  const auto record = keeper.stop(patient(), soon());
  EXPECT_EQ(record.ended_by, EndedBy::term);
  EXPECT_EQ(record.cause, "stop");
  EXPECT_EQ(record.status.value, SIGTERM);
  expect_cleaned();
}

TEST_F(StopTest, KillFollowsAnIgnoredTerm) {
  const auto keeper = ready(stubborn());
  const auto record = keeper.stop(quick(), soon());
  EXPECT_EQ(record.ended_by, EndedBy::kill);
  EXPECT_EQ(record.status.value, SIGKILL);
}

TEST_F(StopTest, KillEndsAFrozenProcess) {
  const auto keeper = ready(obedient());
  const auto main = keeper.main_process().identity;
  send_signal(main, SIGSTOP);
  // Two signals that are both on their way are taken in the order of their numbers: SIGTERM first.
  while (read_file("/proc/" + std::to_string(main.pid) + "/stat").find(") T ") == std::string::npos) {
    std::this_thread::yield();
  }
  EXPECT_EQ(keeper.stop(quick(), soon()).ended_by, EndedBy::kill);
}

TEST_F(StopTest, AResponsiveOwnerEndsIt) {
  auto owner = ready(obedient());
  owner.hello(KeeperRole::owner, "run", soon());
  auto stopped = std::async(std::launch::async, [this] {
    const auto other = Keeper::attach(dir_, soon());
    return other.stop(patient(), soon());
  });
  const auto event = expect_event(owner, KeeperEvent::Kind::stop_request);
  EXPECT_EQ(event.requester, ::getpid());
  EXPECT_EQ(event.grace, patient().grace);
  owner.acknowledge_stop();
  const auto console = connect_console(dir_, soon());
  write_all(console.get(), "\n");
  const auto record = stopped.get();
  EXPECT_EQ(record.ended_by, EndedBy::owner);
  EXPECT_EQ(record.status.value, 7);
  EXPECT_EQ(expect_exit(owner).ended_by, EndedBy::owner);
}

TEST_F(StopTest, ACancelledRequestReturnsAndTheStopGoesOn) {
  auto owner = ready(obedient());
  owner.hello(KeeperRole::owner, "run", soon());
  CancelSource cancel;
  auto stopped = std::async(std::launch::async,
                            [&] { return error_of([&] { (void)owner.stop(patient(), {soon(), cancel.token()}); }); });
  expect_event(owner, KeeperEvent::Kind::stop_request);
  owner.acknowledge_stop();
  cancel.cancel();
  const auto error = stopped.get();
  EXPECT_EQ(to_string(error.code()), "cancelled") << error.what();
  EXPECT_TRUE(owner.status(soon()).stopping);
  owner.kill(soon());
}

TEST_F(StopTest, AnOwnerMayLeaveOnceItHasAcknowledged) {
  auto owner = std::optional(ready(obedient()));
  owner->hello(KeeperRole::owner, "run", soon());
  auto stopped = std::async(std::launch::async, [this] {
    const auto other = Keeper::attach(dir_, soon());
    return other.stop(patient(), soon());
  });
  expect_event(*owner, KeeperEvent::Kind::stop_request);
  owner->acknowledge_stop();
  const auto console = connect_console(dir_, soon());
  owner.reset();
  write_all(console.get(), "\n");
  EXPECT_EQ(stopped.get().ended_by, EndedBy::owner);
}

TEST_F(StopTest, ASilentOwnerIsPassedOver) {
  auto owner = ready(obedient());
  owner.hello(KeeperRole::owner, "frozen", soon());
  auto options = patient();
  options.owner_answer = milliseconds(30);
  const auto record = owner.stop(options, soon());
  EXPECT_EQ(record.ended_by, EndedBy::term);
  expect_event(owner, KeeperEvent::Kind::stop_request);
  expect_exit(owner);
}

TEST_F(StopTest, AnOwnerThatAcknowledgesAndDoesNothingIsPassedOver) {
  auto owner = ready(obedient());
  owner.hello(KeeperRole::owner, "busy", soon());
  auto options = patient();
  options.grace = milliseconds(30);
  auto stopped = std::async(std::launch::async, [&] { return owner.stop(options, soon()); });
  expect_event(owner, KeeperEvent::Kind::stop_request);
  owner.acknowledge_stop();
  EXPECT_EQ(stopped.get().ended_by, EndedBy::term);
}

TEST_F(StopTest, AnOwnerThatLeavesWithoutAWordIsPassedOver) {
  auto owner = std::optional(ready(obedient()));
  owner->hello(KeeperRole::owner, "run", soon());
  auto stopped = std::async(std::launch::async, [this] {
    const auto other = Keeper::attach(dir_, soon());
    return other.stop(patient(), soon());
  });
  expect_event(*owner, KeeperEvent::Kind::stop_request);
  owner.reset();
  EXPECT_EQ(stopped.get().ended_by, EndedBy::term);
}

TEST_F(StopTest, ForceDoesNotAskTheOwner) {
  auto owner = ready(obedient());
  owner.hello(KeeperRole::owner, "run", soon());
  auto options = patient();
  options.ask_owner = false;
  EXPECT_EQ(owner.stop(options, soon()).ended_by, EndedBy::term);
  expect_exit(owner);  // and no stop_request before it
}

TEST_F(StopTest, ForceCutsShortAStopThatWaitsForItsOwner) {
  auto owner = ready(obedient());
  owner.hello(KeeperRole::owner, "run", soon());
  auto gentle = std::async(std::launch::async, [&] { return owner.stop(patient(), soon()); });
  expect_event(owner, KeeperEvent::Kind::stop_request);
  auto options = patient();
  options.ask_owner = false;
  EXPECT_EQ(owner.stop(options, soon()).ended_by, EndedBy::term);
  EXPECT_EQ(gentle.get().ended_by, EndedBy::term);
}

TEST_F(StopTest, KillAsksNobody) {
  auto owner = ready(obedient());
  owner.hello(KeeperRole::owner, "run", soon());
  const auto record = owner.kill(soon());
  EXPECT_EQ(record.ended_by, EndedBy::kill);
  EXPECT_EQ(record.cause, "kill");
}

TEST_F(StopTest, StoppingWhatHasEndedGivesItsRecord) {
  auto keeper = launch(shell("exit 3"));
  expect_exit(keeper);
  EXPECT_EQ(keeper.stop(patient(), soon()).status.value, 3);
  EXPECT_EQ(keeper.kill(soon()).ended_by, EndedBy::itself);
}

TEST_F(StopTest, ADeadlineThatPassesDoesNotCallTheStopOff) {
  auto keeper = ready(stubborn());
  auto options = quick();
  options.term = milliseconds(100);
  const auto error = error_of([&] { keeper.stop(options, std::chrono::steady_clock::now()); });
  EXPECT_EQ(error.code(), Errc::timeout);
  EXPECT_EQ(expect_exit(keeper).ended_by, EndedBy::kill);
}

TEST_F(StopTest, ThereIsOneOwnerAndItsNameIsTold) {
  auto owner = ready(obedient());
  owner.hello(KeeperRole::owner, "migrating", soon());
  auto other = Keeper::attach(dir_, soon());
  const auto error = error_of([&] { other.hello(KeeperRole::owner, "stop", soon()); });
  EXPECT_EQ(error.code(), Errc::busy);
  EXPECT_EQ(error.message(), "Process " + std::to_string(::getpid()) + " owns it (migrating)");
  owner.set_operation("idle now");
  const auto status = other.status(soon());
  ASSERT_TRUE(status.owner);
  EXPECT_EQ(status.owner->pid, ::getpid());
  EXPECT_EQ(status.owner->operation, "idle now");
  other.hello(KeeperRole::observer, "look", soon());
  owner.kill(soon());
  expect_exit(other);
}

}  // namespace
}  // namespace visor::sdk

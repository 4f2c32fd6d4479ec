// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include <csignal>
#include <thread>

namespace visor::sdk {
namespace {

class AdoptTest : public ProcessTest {
 protected:
  KeeperSpec spec() {
    auto spec = probe({"serve", "4"});
    spec.main.fds = {{4, FdSource::listener, file("c"), -1}};
    spec.helpers = {shell_process("aide", "exec sleep 1000")};
    spec.watch.console.connect_path = file("c");
    return spec;
  }

  // A committed VM whose keeper was killed.
  std::vector<KeptProcess> orphaned() {
    auto keeper = launch(spec());
    keeper.commit();
    send_signal(keeper.identity(), SIGKILL);
    expect_event(keeper, KeeperEvent::Kind::disconnected);
    return keeper.processes();
  }

  AdoptSpec adoption(const std::vector<KeptProcess>& processes) {
    AdoptSpec adoption;
    adoption.main = {"main", processes.at(0).identity};
    adoption.helpers = {{"aide", processes.at(1).identity}};
    adoption.watch = spec().watch;
    adoption.listeners = {file("c")};
    return adoption;
  }
};

TEST_F(AdoptTest, TheProcessesOutliveTheirKeeper) {
  const auto processes = orphaned();
  EXPECT_TRUE(alive(processes[0].identity));
  EXPECT_TRUE(alive(processes[1].identity));
  EXPECT_EQ(error_of([&] { Keeper::attach(dir_, soon()); }).code(), Errc::disconnected);
  send_signal(processes[0].identity, SIGKILL);
  send_signal(processes[1].identity, SIGKILL);
}

TEST_F(AdoptTest, ANewKeeperServesTheConsoleAndEndsThem) {
  const auto processes = orphaned();
  auto keeper = Keeper::adopt(adoption(processes), options());
  EXPECT_EQ(keeper.main_process().identity, processes[0].identity);
  const auto status = keeper.status(soon());
  EXPECT_TRUE(status.adopted);
  EXPECT_TRUE(status.committed);
  const auto console = connect_console(dir_, soon());
  read_until(console.get(), "hello\n");
  write_all(console.get(), "again\n");
  read_until(console.get(), "again\n");
  const auto record = keeper.stop({}, soon());
  EXPECT_EQ(record.ended_by, EndedBy::term);
  EXPECT_EQ(record.status.kind, ExitStatus::Kind::unknown);
  EXPECT_EQ(record.status.text(), "unknown: keeper died");
  EXPECT_FALSE(alive(processes[0].identity));
  EXPECT_FALSE(alive(processes[1].identity));
  EXPECT_FALSE(exists(file("c")));
  expect_cleaned();
}

TEST_F(AdoptTest, TheEndOfAnAdoptedProcessIsNoticed) {
  const auto processes = orphaned();
  auto keeper = Keeper::adopt(adoption(processes), options());
  send_signal(processes[0].identity, SIGKILL);
  const auto record = expect_exit(keeper);
  EXPECT_EQ(record.status.kind, ExitStatus::Kind::unknown);
  EXPECT_EQ(record.ended_by, EndedBy::itself);
  EXPECT_EQ(record.identity, processes[0].identity);
}

TEST_F(AdoptTest, LeavingAnAdoptedOneAloneEndsNothing) {
  const auto processes = orphaned();
  {
    const auto keeper = Keeper::adopt(adoption(processes), options());
  }
  auto keeper = Keeper::attach(dir_, soon());
  EXPECT_TRUE(alive(processes[0].identity));
  keeper.kill(soon());
}

TEST_F(AdoptTest, RefusesAProcessThatHasEnded) {
  const auto processes = orphaned();
  auto wrong = adoption(processes);
  wrong.main.identity.start_time += 1;  // as if the pid had been taken by another
  EXPECT_EQ(error_of([&] { Keeper::adopt(wrong, options()); }).code(), Errc::not_found);
  EXPECT_TRUE(alive(processes[0].identity));
  send_signal(processes[0].identity, SIGKILL);
  send_signal(processes[1].identity, SIGKILL);
}

TEST_F(AdoptTest, AHelperThatIsGoneDoesNotStopTheAdoption) {
  const auto processes = orphaned();
  send_signal(processes[1].identity, SIGKILL);
  while (alive(processes[1].identity)) std::this_thread::yield();
  auto keeper = Keeper::adopt(adoption(processes), options());
  EXPECT_TRUE(keeper.processes().at(1).exit);
  keeper.kill(soon());
}

}  // namespace
}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
// New connections to a QEMU that runs: by another handle, and after a lost one.
#include "fixture.hpp"
#include "support/suspend.hpp"
#include "support/unix_sockets.hpp"
#include "visor/core/extension.hpp"
#include "visor/sdk/process/keeper.hpp"

#include <array>
#include <csignal>
#include <future>
#include <optional>
#include <thread>

namespace visor::sdk {
namespace {

class ReconnectTest : public DriverTest {
 protected:
  /// The next event of this kind.
  static Event next(EventQueue& events, EventKind kind) {
    while (auto event = events.next(limit)) {
      if (event->kind == kind) return *std::move(event);
    }
    ADD_FAILURE() << "the VM ended";
    return {};
  }
  std::unique_ptr<Vm> lose_monitor() {
    auto vm = start({"stop=close"});
    EXPECT_EQ(to_string(error_of([&] { vm->pause(limit); }).code()), "disconnected");
    return vm;
  }
  /// Live events are told again, not held.
  static void expect_hears(Vm& vm, EventQueue& events) {
    EXPECT_EQ(to_string(vm.stop({}, limit).rung), "guest");
    EXPECT_EQ(next(events, EventKind::guest_shutdown).name, "SHUTDOWN");
  }
  static std::uint64_t connections_of(Vm& vm) {
    const auto extension = vm.extension(QmpStatsExtension::id);
    return dynamic_cast<QmpStatsExtension&>(*extension).read().at("connections").as_uint();
  }
};

TEST_F(ReconnectTest, ANewOwnerFindsOutHowThingsAreAndHearsEvents) {
  const auto record = [&] {
    const auto first = start();
    first->pause(limit);
    first->disconnect();
    return first->record();
  }();
  const auto vm = hypervisor().attach(record, limit);
  const auto events = vm->events();
  vm->resume(limit);
  const auto event = next(*events, EventKind::resynced);
  EXPECT_EQ(event.name, "resynced");
  EXPECT_EQ(event.data.at("status"), Value{"paused"});
  EXPECT_EQ(event.data.at("state"), Value{"paused"});
  EXPECT_EQ(event.data.at("vcpus").as_uint(), 2U);
  EXPECT_EQ(next(*events, EventKind::state_changed).name, "RESUME");
  vm->stop({.force = true}, limit);
}

TEST_F(ReconnectTest, ALostMonitorIsConnectedAgainAndNoEventIsMissed) {
  const auto vm = start({"stop=close"});
  const auto events = vm->events();
  EXPECT_EQ(to_string(error_of([&] { vm->pause(limit); }).code()), "disconnected");
  EXPECT_EQ(vm->status(limit).state, VmState::running);  // over the observer's monitor
  vm->resume(limit);
  const auto event = next(*events, EventKind::resynced);
  EXPECT_EQ(event.data.at("status"), Value{"running"});
  EXPECT_EQ(connections_of(*vm), 3U);  // with the observer's
  EXPECT_EQ(to_string(vm->stop({}, limit).rung), "guest");
  EXPECT_EQ(next(*events, EventKind::guest_shutdown).name, "SHUTDOWN");
}

/// The journal cannot be read in time; the monitor is there again all the same.
TEST_F(ReconnectTest, WhoRunsOutOfTimeOverTheJournalSaysSoAndIsResynced) {
  const auto vm = lose_monitor();
  const auto events = vm->events();
  ASSERT_TRUE(test::suspend(vm->record().keeper.pid));
  EXPECT_EQ(to_string(error_of([&] { vm->resume(1s); }).code()), "timeout");
  EXPECT_TRUE(next(*events, EventKind::resynced).data.is_null());
  ASSERT_EQ(::kill(vm->record().keeper.pid, SIGCONT), 0);
  expect_hears(*vm, *events);
}

TEST_F(ReconnectTest, WhoIsCancelledOverTheJournalSaysSoAndIsResynced) {
  const auto vm = lose_monitor();
  const auto events = vm->events();
  ASSERT_TRUE(test::suspend(vm->record().keeper.pid));
  const auto socket = keeper_socket_path(run_dir().string());
  const auto before = test::sockets_at(socket);
  CancelSource cancel;
  auto error = std::async(std::launch::async, [&] {
    return error_of([&] { vm->resume({std::chrono::steady_clock::now() + limit, cancel.token()}); });
  });
  while (test::sockets_at(socket) == before) std::this_thread::yield();
  cancel.cancel();
  EXPECT_EQ(to_string(error.get().code()), "cancelled");
  (void)next(*events, EventKind::resynced);
  ASSERT_EQ(::kill(vm->record().keeper.pid, SIGCONT), 0);
  expect_hears(*vm, *events);
}

TEST_F(ReconnectTest, WithoutAKeeperAndItsJournalTheMonitorIsConnectedAgainAndResynced) {
  const auto vm = lose_monitor();
  const auto events = vm->events();
  ASSERT_EQ(::kill(vm->record().keeper.pid, SIGKILL), 0);
  log().expect("The keeper died");
  vm->resume(limit);
  log().expect("Events may be missing");
  EXPECT_EQ(next(*events, EventKind::resynced).data.at("status"), Value{"running"});
  expect_hears(*vm, *events);
}

TEST_F(ReconnectTest, ANewConnectionThatLearnsNothingSaysSoWithoutData) {
  const auto record = start({"query-status=error"})->record();
  const auto vm = hypervisor().attach(record, limit);
  const auto events = vm->events();
  vm->pause(limit);
  EXPECT_TRUE(next(*events, EventKind::resynced).data.is_null());
  vm->stop({.force = true}, limit);
}

TEST_F(ReconnectTest, AStartIsNoNewConnection) {
  const auto vm = create();
  const auto events = vm->events();
  vm->start(limit);
  vm->stop({.force = true}, limit);
  while (const auto event = events->next(limit)) EXPECT_NE(event->kind, EventKind::resynced);
}

TEST_F(ReconnectTest, ThreadsThatNeedAConnectionAtOnceMakeOne) {
  const auto record = start()->record();
  for (int round = 0; round < 5; ++round) {
    const auto vm = hypervisor().attach(record, limit);
    std::array<std::optional<std::string>, 4> problems;
    std::vector<std::thread> threads;
    for (auto& problem : problems) {
      threads.emplace_back([&] {
        try {
          vm->pause(limit);
        } catch (const Error& error) {
          problem = error.message();
        }
      });
    }
    for (auto& thread : threads) thread.join();
    for (const auto& problem : problems) EXPECT_FALSE(problem) << *problem;
    EXPECT_EQ(connections_of(*vm), 1U);
    vm->disconnect();
  }
  hypervisor().attach(record, limit)->stop({.force = true}, limit);
}

}  // namespace
}  // namespace visor::sdk

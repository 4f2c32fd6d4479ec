// SPDX-License-Identifier: Apache-2.0
// A stop that somebody or something is in the way of: QEMU that hangs, a keeper that died, an owner that has not begun.
#include "guest.hpp"
#include "support/suspend.hpp"
#include "visor/core/error.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <fstream>
#include <functional>
#include <future>

namespace visor::test {
namespace {

/// Whether a thread of this process sleeps.
bool sleeps(pid_t thread) {
  std::string stat;
  std::getline(std::ifstream{"/proc/self/task/" + std::to_string(thread) + "/stat"}, stat);
  return stat.find(") S") != std::string::npos;
}

/// A call on a thread of its own that was seen to wait in it.
template <class Call>
auto waiting_in(Call call) {
  std::promise<pid_t> id;
  auto known = id.get_future();
  auto result = std::async(std::launch::async, [id = std::move(id), call = std::move(call)]() mutable {
    id.set_value(::gettid());
    return call();
  });
  const auto thread = known.get();
  EXPECT_TRUE(eventually([&] { return sleeps(thread) || result.wait_for(0s) == std::future_status::ready; }));
  return result;
}

class Stop : public QemuTest {
 protected:
  /// A started VM that nobody owns; the guest is not waited for.
  VmRecord leave_running() {
    const auto vm = runtime_->create(config(), "vm");
    vm->start(30s);
    return vm->record();
  }
  static void expect_stopped(Vm& vm, const std::string& cause = "stopped") {
    EXPECT_EQ(to_string(vm.status(5s).state), "stopped") << vm.status(5s).detail;
    EXPECT_EQ(to_string(vm.wait_exit(5s).cause), cause) << vm.wait_exit(5s).text;
  }
  /// Nothing is left, and whoever looks next is told the same.
  void expect_over(Vm& vm, const std::string& cause = "stopped") {
    expect_stopped(vm, cause);
    expect_nothing_left();
    expect_stopped(*runtime_->attach("vm", 5s), cause);
  }
  static std::string error_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return std::string{to_string(error.code())};
    }
    return "";
  }
  static void kill_keeper(const VmRecord& record) {
    ASSERT_EQ(::kill(record.keeper.pid, SIGKILL), 0);
    ASSERT_TRUE(eventually([&] { return !lives(record.keeper.pid); }));
  }
};

TEST_F(Stop, OfAHungQemuThatNobodyOwns) {
  for (const bool force : {true, false}) {
    const auto record = leave_running();
    const auto vm = runtime_->attach("vm", 5s);
    ASSERT_TRUE(test::suspend(record.hypervisor.pid));
    EXPECT_EQ(to_string(vm->stop({.force = force, .terminate_grace = 500ms}, 12s).rung), "kill") << force;
    expect_over(*vm);
    vm->disconnect();
    runtime_->remove("vm", false, 5s);
  }
}

TEST_F(Stop, OfAHungQemuWhoseKeeperDied) {
  const auto record = leave_running();
  kill_keeper(record);
  const auto vm = runtime_->attach("vm", 5s);
  ASSERT_TRUE(test::suspend(record.hypervisor.pid));
  EXPECT_EQ(to_string(vm->stop({.force = true, .terminate_grace = 500ms}, 12s).rung), "kill");
  expect_over(*vm);
}

TEST_F(Stop, BesideAKeeperThatHangs) {
  const auto record = leave_running();
  const auto vm = runtime_->attach("vm", 5s);
  ASSERT_TRUE(test::suspend(record.keeper.pid));
  EXPECT_EQ(to_string(vm->stop({.force = true}, 4s).rung), "terminate");
  expect_stopped(*vm);
  ASSERT_EQ(::kill(record.keeper.pid, SIGCONT), 0);
  EXPECT_TRUE(eventually([&] { return !lives(record.keeper.pid); }));
  EXPECT_EQ(sockets_in(run_dir_), std::vector<std::string>{});
  (void)vm->wait_exit(5s);  // reaps it
}

TEST_F(Stop, BesideAKeeperWithoutASessionLeft) {
  const auto record = leave_running();
  std::vector<UniqueFd> sessions;
  for (int i = 0; i < 80; ++i) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (folder() / "keeper.sock").c_str(), sizeof(address.sun_path) - 1);
    sessions.emplace_back(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(sessions.back().get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  const auto vm = runtime_->attach("vm", 5s);
  EXPECT_EQ(error_of([&] { (void)vm->wait_exit(10s); }), "exhausted");
  EXPECT_EQ(error_of([&] { vm->pause(10s); }), "exhausted");
  EXPECT_EQ(to_string(vm->stop({.force = true}, 20s).rung), "terminate");
  expect_over(*vm);
}

TEST_F(Stop, OfAVmWhoseKeeperDiedAfterTheGuestPoweredOff) {
  const auto vm = boot(config());
  kill_keeper(vm->record());
  EXPECT_EQ(to_string(vm->stop({}, 60s).rung), "guest");
  expect_over(*vm, "guest_shutdown");
}

TEST_F(Stop, OfAVmWhoseKeeperDiedByForce) {
  const auto vm = runtime_->create(config(), "vm");
  vm->start(30s);
  kill_keeper(vm->record());
  EXPECT_EQ(to_string(vm->stop({.force = true}, 20s).rung), "terminate");
  expect_over(*vm);
}

TEST_F(Stop, OfAVmThatWasAdopted) {
  kill_keeper(leave_running());
  const auto vm = runtime_->attach("vm", 5s);
  EXPECT_EQ(to_string(vm->stop({.guest_grace = 0ms}, 30s).rung), "hypervisor");
  expect_over(*vm);
}

TEST_F(Stop, BesideAnOwnerThatHasNotStartedItWaitsForTheOwner) {
  auto owner = runtime_->create(config(), "vm");
  const auto beside = runtime_->attach("vm", 5s);
  EXPECT_EQ(error_of([&] { beside->stop({.force = true}, 300ms); }), "busy");
  EXPECT_EQ(to_string(owner->status(5s).state), "created");
  owner->start(30s);
  EXPECT_FALSE(sockets_in(folder()).empty());
  EXPECT_EQ(to_string(beside->stop({.force = true}, 20s).rung), "terminate");
  expect_over(*owner);
  owner.reset();
  runtime_->remove("vm", false, 5s);

  owner = runtime_->create(config(), "vm");
  const auto again = runtime_->attach("vm", 5s);
  auto stopping = waiting_in([&] { return again->stop({}, 30s); });
  owner.reset();
  EXPECT_EQ(to_string(stopping.get().rung), "already_stopped");
  expect_over(*again);
}

TEST_F(Stop, ACancellationEndsTheGuestsGrace) {
  auto deaf = config();
  add_param(deaf.boot.kernel_params, "visor.ignore_power_button", "1");
  const auto vm = boot(deaf);
  const auto events = vm->events();
  CancelSource source;
  std::atomic<pid_t> stopper{0};
  auto stopping = std::async(std::launch::async, [&] {
    stopper = ::gettid();
    return error_of([&] { vm->stop({.guest_grace = 24h}, {std::chrono::steady_clock::now() + 48h, source.token()}); });
  });
  while (events->next(30s)->name != "POWERDOWN") continue;
  EXPECT_EQ(to_string(vm->status(10s).state), "running");  // answered after the power button was
  EXPECT_TRUE(eventually([&] { return sleeps(stopper); }));
  source.cancel();
  if (stopping.wait_for(30s) != std::future_status::ready) ::kill(vm->record().hypervisor.pid, SIGKILL);
  EXPECT_EQ(stopping.get(), "cancelled");
  EXPECT_EQ(to_string(vm->stop({.force = true}, 20s).rung), "terminate");
}

TEST_F(Stop, BeforeTheStartHasATime) {
  const auto before = std::chrono::system_clock::now() - 1ms;
  const auto vm = runtime_->create(config(), "vm");
  const auto events = vm->events();
  const auto exit = vm->stop({}, 5s).exit;
  EXPECT_GE(exit.time, before);
  EXPECT_EQ(exit.text, "It was stopped before it was started");
  while (events->next(5s)) continue;  // the queue is closed
  EXPECT_EQ(runtime_->attach("vm", 5s)->wait_exit(5s).time, exit.time);
}

TEST_F(Stop, IsSeenByAWaitWhoseHandleLetGo) {
  const auto vm = runtime_->create(config(), "vm");
  vm->start(30s);
  CancelSource source;
  auto waiting = waiting_in([&] { return vm->wait_exit({std::chrono::steady_clock::now() + 24h, source.token()}); });
  vm->disconnect();
  runtime_->attach("vm", 5s)->stop({.force = true}, 20s);
  EXPECT_EQ(waiting.wait_for(30s), std::future_status::ready);
  source.cancel();
  EXPECT_EQ(to_string(waiting.get().cause), "stopped");
}

}  // namespace
}  // namespace visor::test

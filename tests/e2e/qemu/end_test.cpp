// SPDX-License-Identifier: Apache-2.0
// Every end, wanted or not: the right state, the right words, and nothing left.
#include "guest.hpp"
#include "support/suspend.hpp"
#include "visor/core/error.hpp"

#include <csignal>
#include <future>
#include <thread>

namespace visor::test {
namespace {

using End = QemuTest;

int hypervisor_pid(const Vm& vm) { return vm.record().hypervisor.pid; }
int keeper_pid(const Vm& vm) { return vm.record().keeper.pid; }

TEST_F(End, GuestPowersItselfOff) {
  auto off = config();
  add_param(off.boot.kernel_params, "visor.poweroff", "1");
  const auto vm = runtime_->create(off, "vm");
  vm->start(30s);
  const auto exit = vm->wait_exit(boot_limit);
  EXPECT_EQ(to_string(exit.cause), "guest_shutdown");
  EXPECT_EQ(exit.code, 0);
  EXPECT_EQ(vm->status(1s).state, VmState::stopped);
}

TEST_F(End, GuestResetIsAnEnd) {
  auto reset = config();
  add_param(reset.boot.kernel_params, "visor.reboot", "1");
  const auto vm = runtime_->create(reset, "vm");
  vm->start(30s);
  EXPECT_EQ(to_string(vm->wait_exit(boot_limit).cause), "guest_reset");
  EXPECT_EQ(vm->status(1s).state, VmState::stopped);
}

TEST_F(End, GuestPanicIsAFailureAlthoughQemuExitsWithZero) {
  for (const auto* machine : {"q35", "pc"}) {
    auto panic = config(machine);
    add_param(panic.boot.kernel_params, "visor.panic", "1");
    const auto vm = runtime_->create(panic, std::string{"panic-"} + machine);
    const auto events = vm->events();
    vm->start(30s);
    const auto exit = vm->wait_exit(boot_limit);
    EXPECT_EQ(to_string(exit.cause), "guest_panic") << machine;
    EXPECT_EQ(exit.code, 0);
    EXPECT_EQ(vm->status(1s).state, VmState::failed);
    EXPECT_THROW(vm->check(1s), Error);
    bool told = false;
    while (const auto event = events->next(5s)) told |= event->kind == EventKind::guest_panicked;
    EXPECT_TRUE(told) << machine;
  }
}

TEST_F(End, GuestPanicMayPauseInstead) {
  auto panic = config();
  panic.policy.on_panic = PanicPolicy::pause;
  add_param(panic.boot.kernel_params, "visor.panic", "1");
  const auto vm = runtime_->create(panic, "vm");
  vm->start(30s);
  ASSERT_TRUE(eventually([&] { return vm->status(5s).guest_panicked; }, boot_limit));
  EXPECT_EQ(vm->status(5s).state, VmState::paused);
  EXPECT_EQ(vm->status(5s).detail, "guest-panicked");
  EXPECT_THROW(vm->check(5s), Error);
  EXPECT_EQ(to_string(vm->stop({.guest_grace = 500ms}, 30s).rung), "hypervisor");
}

TEST_F(End, QemuKilled) {
  const auto vm = boot(config());
  auto waiting = std::async(std::launch::async, [&] { return vm->wait_exit(30s); });
  ASSERT_EQ(::kill(hypervisor_pid(*vm), SIGKILL), 0);
  const auto exit = waiting.get();
  EXPECT_EQ(to_string(exit.cause), "signal");
  EXPECT_EQ(exit.signal, SIGKILL);
  EXPECT_EQ(vm->status(1s).state, VmState::failed);
  EXPECT_THROW(vm->pause(5s), Error);
  EXPECT_EQ(to_string(vm->stop({}, 5s).rung), "already_stopped");
  EXPECT_TRUE(eventually([&] { return processes_of(run_dir_.string()).empty(); }));
}

TEST_F(End, QemuStoppedBySignalIsUnresponsiveAndCanBeStopped) {
  const auto vm = boot(config());
  ASSERT_TRUE(test::suspend(hypervisor_pid(*vm)));
  const auto status = vm->status(10s);
  EXPECT_FALSE(status.responsive);
  EXPECT_THROW(vm->check(10s), Error);
  EXPECT_THROW(vm->pause(1s), Error);
  ASSERT_EQ(::kill(hypervisor_pid(*vm), SIGCONT), 0);
  EXPECT_TRUE(eventually([&] { return vm->status(5s).responsive; }));
  ASSERT_TRUE(test::suspend(hypervisor_pid(*vm)));
  const auto stopped = vm->stop({.guest_grace = 1s, .hypervisor_grace = 1s, .terminate_grace = 1s}, 30s);
  EXPECT_EQ(to_string(stopped.rung), "kill");
  EXPECT_EQ(vm->status(1s).state, VmState::stopped);
}

TEST_F(End, KeeperKilledTheVmRunsOnAndIsAdopted) {
  const int qemu = [&] {
    const auto vm = boot(config());
    const int pid = hypervisor_pid(*vm);
    EXPECT_EQ(::kill(keeper_pid(*vm), SIGKILL), 0);
    EXPECT_TRUE(eventually([&] { return !lives(keeper_pid(*vm)); }));
    EXPECT_EQ(vm->status(5s).state, VmState::running);
    EXPECT_EQ(agent().ask("echo alive"), "alive");
    return pid;
  }();
  ASSERT_TRUE(lives(qemu));
  const auto vm = runtime_->attach("vm", 5s);
  EXPECT_EQ(vm->status(5s).state, VmState::running);
  vm->pause(10s);  // taking ownership starts a new keeper
  EXPECT_TRUE(lives(keeper_pid(*vm)));
  vm->resume(10s);
  vm->console(5s)->write("to the new keeper\n", 5s);
  EXPECT_NE(read_console_until(*vm, "to the new keeper"), "");  // the terminal's own echo
  ASSERT_EQ(::kill(qemu, SIGKILL), 0);
  const auto exit = vm->wait_exit(20s);
  EXPECT_EQ(to_string(exit.cause), "unknown");
  EXPECT_NE(exit.text.find("keeper died"), std::string::npos) << exit.text;
  EXPECT_EQ(vm->status(1s).state, VmState::failed);
}

TEST_F(End, TwoOwnersAtOnceAreRefusedAndTheSecondMayLook) {
  const auto vm = boot(config());
  const auto second = runtime_->attach("vm", 5s);
  try {
    second->pause(300ms);
    FAIL() << "two owners at once";
  } catch (const Error& error) {
    EXPECT_EQ(to_string(error.code()), "busy");
    EXPECT_NE(std::string{error.what()}.find(std::to_string(::getpid())), std::string::npos) << error.what();
  }
  EXPECT_EQ(second->status(5s).state, VmState::running);
  EXPECT_EQ(second->thread_ids(5s).size(), 1U);
  EXPECT_NE(read_console_until(*second, "visor-guest"), "");
  vm->stop({.force = true}, 20s);
  EXPECT_EQ(second->status(5s).state, VmState::stopped);
}

TEST_F(End, StopBesideAnOwnerAsksItFirst) {
  const auto vm = boot(config());
  const auto beside = runtime_->attach("vm", 5s);
  const auto stopped = beside->stop({}, 60s);
  EXPECT_EQ(to_string(stopped.rung), "owner");
  EXPECT_EQ(to_string(stopped.exit.cause), "guest_shutdown");
  EXPECT_EQ(vm->status(1s).state, VmState::stopped);
}

TEST_F(End, GuestIgnoresThePowerButton) {
  auto deaf = config();
  add_param(deaf.boot.kernel_params, "visor.ignore_power_button", "1");
  const auto vm = boot(deaf);
  const auto stopped = vm->stop({.guest_grace = 1s}, 30s);
  EXPECT_EQ(to_string(stopped.rung), "hypervisor");
  EXPECT_EQ(vm->status(1s).state, VmState::stopped);
}

TEST_F(End, AShortDeadlineStillKills) {
  const auto vm = boot(config());
  ASSERT_TRUE(test::suspend(hypervisor_pid(*vm)));
  EXPECT_EQ(to_string(vm->stop({}, 2s).rung), "kill");
}

TEST_F(End, DetachAndAttach) {
  boot(config()).reset();
  const auto vm = runtime_->attach("vm", 5s);
  EXPECT_EQ(vm->status(5s).state, VmState::running);
  EXPECT_EQ(vm->config().devices.size(), 1U);
  const auto events = vm->events();
  vm->pause(10s);
  vm->resume(10s);
  vm->disconnect();
  vm->disconnect();
  EXPECT_EQ(agent().ask("echo still"), "still");
  const auto again = runtime_->attach("vm", 5s);
  EXPECT_EQ(to_string(again->stop({}, 60s).rung), "guest");
  EXPECT_EQ(to_string(vm->wait_exit(10s).cause), "guest_shutdown");
}

}  // namespace
}  // namespace visor::test

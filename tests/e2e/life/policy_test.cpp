// SPDX-License-Identifier: Apache-2.0
// What becomes of a VM when its guest resets, powers itself off, panics, or leaves its watchdog alone.
#include "life.hpp"
#include "support/error_of.hpp"
#include "visor/core/params.hpp"

namespace visor::test {
namespace {

class Policy : public LifeTest {
 protected:
  static std::string boot_id(Agent& guest) { return guest.ask("cat /proc/sys/kernel/random/boot_id"); }
  /// Has the guest do what ends it; no answer comes.
  static void send_off(Agent& guest, const std::string& command) {
    EXPECT_EQ(guest.run("(sleep 0.2; " + command + ") >/dev/null 2>&1 & echo going").output, "going\n");
  }
  /// Debian's arm64 kernel has no driver for the panic device: its panic is a reset.
  [[nodiscard]] bool tells_of_panics() const { return !is("arm64"); }
  static constexpr const char* panic = "echo c >/proc/sysrq-trigger";
  static constexpr const char* reboot = "/bin/busybox reboot -f";
  static constexpr const char* power_off = "/bin/busybox poweroff -f";

  /// Waits for an event, and for a port that the guest opens after it: what was written to a port before is lost.
  static void await_comeback(EventQueue& events, std::string_view name) {
    bool happened = false;
    while (const auto event = events.next(boot_limit)) {
      happened |= event->name == name;
      const bool opened = event->kind == EventKind::port_opened && event->data.at("open").as_bool();
      if (happened && opened) return;
    }
    FAIL() << "the VM ended";
  }

  void expect_paused(Vm& vm, const std::string& detail) {
    EXPECT_TRUE(eventually([&] { return vm.status(5s).detail == detail; }, boot_limit)) << vm.status(5s).detail;
    EXPECT_EQ(vm.status(5s).state, VmState::paused);
  }
  /// The guest boots again in the same process after it was told this.
  void expect_reboot(Vm& vm, const std::string& command, std::string_view event) {
    const auto pid = vm.record().hypervisor.pid;
    std::string before;
    {
      auto guest = agent();
      before = boot_id(guest);
      const auto events = vm.events();
      send_off(guest, command);
      await_comeback(*events, event);
    }
    auto guest = agent();
    EXPECT_NE(boot_id(guest), before);
    EXPECT_EQ(vm.record().hypervisor.pid, pid);
    EXPECT_EQ(vm.pids().front(), pid);
    EXPECT_EQ(vm.status(5s).state, VmState::running);
    EXPECT_FALSE(vm.status(5s).guest_panicked);
  }
};

/// All that leaves the VM there, on one guest.
TEST_P(Policy, AVmThatIsToStaySurvivesItsGuest) {
  auto config = this->config();
  config.policy = {
      .on_reboot = RebootPolicy::reset, .on_panic = PanicPolicy::pause, .on_shutdown = ShutdownPolicy::pause};
  WatchdogConfig watchdog;
  watchdog.id = "dog";
  watchdog.action = WatchdogAction::reset;
  config.devices.emplace_back(watchdog);
  const auto vm = boot(config);
  const auto pid = vm->record().hypervisor.pid;
  expect_reboot(*vm, reboot, "RESET");
  // Nobody tells the watchdog in time that all is well. Debian's kernels of the others have no driver for theirs.
  const bool dog = agent().run("modprobe i6300esb && test -c /dev/watchdog").status == 0;
  EXPECT_EQ(dog, is("amd64") || is("arm64"));
  if (dog) expect_reboot(*vm, "watchdog -T 2 -t 1000 /dev/watchdog", "WATCHDOG");
  {
    auto guest = agent();
    send_off(guest, tells_of_panics() ? panic : power_off);
  }
  expect_paused(*vm, tells_of_panics() ? "guest-panicked" : "shutdown");
  EXPECT_EQ(vm->status(5s).guest_panicked, tells_of_panics());
  EXPECT_EQ(vm->pids().front(), pid);
  // A guest that hears nothing is not waited for: by that alone the stop would take longer than it has.
  EXPECT_EQ(to_string(vm->stop({.guest_grace = 60s}, 30s).exit.cause),
            to_string(tells_of_panics() ? ExitCause::guest_panic : ExitCause::guest_shutdown));
}

/// QEMU itself would only pause at each of these ends.
TEST_P(Policy, PausingAtPowerOffIsNoMoreThanThat) {
  auto config = this->config();
  config.policy.on_shutdown = ShutdownPolicy::pause;
  add_param(config.boot.kernel_params, "visor.reboot", "0");
  const auto reset = runtime_->create(config, "reset");
  reset->start(30s);
  reset->disconnect();
  expect_paused(*reset, "shutdown");
  // While nobody owned it, it only paused. The next owner finds it so, and whatever he wants he is too late.
  try {
    reset->resume(30s);
  } catch (const Error&) {
    SUCCEED();
  }
  EXPECT_EQ(to_string(reset->wait_exit(boot_limit).cause), "guest_reset");
  if (tells_of_panics()) {
    config.boot.kernel_params = {{"visor.panic", "0"}};
    const auto panicked = runtime_->create(config, "panicked");
    panicked->start(30s);
    EXPECT_EQ(to_string(panicked->wait_exit(boot_limit).cause), "guest_panic");
    return;
  }
  // A guest that is asked to power off ends its VM all the same.
  config.boot.kernel_params = {};
  const auto vm = boot(config);
  EXPECT_EQ(to_string(vm->stop({.guest_grace = 60s}, 30s).rung), "guest");
}

VISOR_LIFE_ON(Policy, "amd64", "arm64", "ppc64le", "s390x");

}  // namespace
}  // namespace visor::test

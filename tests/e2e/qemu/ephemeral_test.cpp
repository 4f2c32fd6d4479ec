// SPDX-License-Identifier: Apache-2.0
// An ephemeral VM ends with the handle that started it, and with no other.
#include "guest.hpp"
#include "support/suspend.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace visor::test {
namespace {

class Ephemeral : public QemuTest {
 protected:
  std::unique_ptr<Vm> started() {
    auto ephemeral = config();
    ephemeral.ephemeral = true;
    auto vm = runtime_->create(ephemeral, "vm");
    vm->start(30s);
    return vm;
  }
};

TEST_F(Ephemeral, EndsWithItsHandle) {
  started().reset();
  expect_nothing_left();
}

TEST_F(Ephemeral, EndsWithItsHandleAlsoWhenItsKeeperHasDied) {
  for (const bool hangs : {false, true}) {
    auto vm = started();
    const auto record = vm->record();
    ASSERT_EQ(::kill(record.keeper.pid, SIGKILL), 0);
    ASSERT_TRUE(eventually([&] { return !lives(record.keeper.pid); }));
    if (hangs) {
      ASSERT_TRUE(test::suspend(record.hypervisor.pid));
    }
    vm.reset();
    EXPECT_FALSE(lives(record.hypervisor.pid));
    EXPECT_EQ(sockets_in(run_dir_), std::vector<std::string>{});
    EXPECT_EQ(to_string(runtime_->attach("vm", 5s)->status(5s).state), "stopped");
    runtime_->remove("vm", false, 5s);
  }
}

TEST_F(Ephemeral, LivesOnWhenAWatcherLetsGo) {
  const auto vm = started();
  auto watcher = runtime_->attach("vm", 5s);
  const auto events = watcher->events();
  watcher.reset();
  EXPECT_EQ(to_string(vm->status(5s).state), "running");
}

TEST_F(Ephemeral, ACopyOfTheHandleInAForkedChildDoesNothing) {
  auto vm = started();
  const auto child = ::fork();
  if (child == 0) {
    vm.reset();
    ::_exit(0);
  }
  int status = -1;
  const bool ended = eventually([&] { return ::waitpid(child, &status, WNOHANG) == child; }, 30s);
  EXPECT_TRUE(ended) << "the child hangs";
  if (!ended) {
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
  }
  EXPECT_EQ(status, 0);
  EXPECT_EQ(to_string(vm->status(5s).state), "running");
  vm->pause(10s);
}

}  // namespace
}  // namespace visor::test

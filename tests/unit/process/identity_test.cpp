// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include "visor/sdk/process/reaper.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>

namespace visor::sdk {
namespace {

using IdentityTest = ProcessTest;

// A child that waits for a signal, with its pidfd.
struct Child {
  pid_t pid = ::fork();
  UniqueFd pidfd;
  Child() {
    if (pid == 0) {
      for (;;) ::pause();
    }
    pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  }
};

TEST_F(IdentityTest, KnowsItself) {
  const auto self = identify(::getpid());
  ASSERT_TRUE(self);
  EXPECT_TRUE(alive(*self));
  EXPECT_FALSE(identify(-1));
  EXPECT_FALSE(alive({}));
}

TEST_F(IdentityTest, AnotherStartTimeIsAnotherProcess) {
  const Child child;
  auto identity = identify(child.pid).value_or(ProcessIdentity{});
  auto stranger = identity;
  stranger.start_time += 1;
  EXPECT_FALSE(alive(stranger));
  EXPECT_FALSE(send_signal(stranger, SIGKILL));
  EXPECT_TRUE(alive(identity));
  EXPECT_TRUE(send_signal(identity, SIGKILL));
  EXPECT_TRUE(Pidfd::open(identity)->wait_end(soon()));
}

TEST_F(IdentityTest, AZombieIsNotAlive) {
  const Child child;
  const auto identity = identify(child.pid).value_or(ProcessIdentity{});
  const auto process = Pidfd::open(identity);
  ASSERT_TRUE(process);
  EXPECT_FALSE(process->wait_end(std::chrono::steady_clock::now()));
  process->send_signal(SIGKILL);
  EXPECT_TRUE(process->wait_end(soon()));
  EXPECT_TRUE(identify(child.pid));  // still in the table
  EXPECT_FALSE(alive(identity));
  EXPECT_EQ(reap(child.pidfd.get()), Reaped::reaped);
  EXPECT_FALSE(identify(child.pid));
  EXPECT_FALSE(send_signal(identity, SIGKILL));
}

TEST_F(IdentityTest, ReapsOnlyWhatHasEndedAndOnlyOnce) {
  const Child child;
  EXPECT_EQ(reap(child.pidfd.get()), Reaped::running);
  ::kill(child.pid, SIGKILL);
  EXPECT_TRUE(Pidfd(UniqueFd(::dup(child.pidfd.get()))).wait_end(soon()));
  EXPECT_EQ(reap(child.pidfd.get()), Reaped::reaped);
  EXPECT_EQ(reap(child.pidfd.get()), Reaped::not_ours);
}

TEST_F(IdentityTest, ToleratesAHostThatReapsEverything) {
  const auto before = ::signal(SIGCHLD, SIG_IGN);
  auto keeper = launch(shell("exit 5"));
  EXPECT_EQ(expect_exit(keeper).status.value, 5);
  EXPECT_EQ(keeper.stop({}, soon()).status.value, 5);
  ::signal(SIGCHLD, before);
}

TEST_F(IdentityTest, LeftOverChildrenAreReapedLater) {
  Child child;
  leave_to_reaper(std::move(child.pidfd));
  EXPECT_EQ(reap_left_over(), 1U);
  const auto identity = identify(child.pid).value_or(ProcessIdentity{});
  const auto process = Pidfd::open(identity);
  process->send_signal(SIGKILL);
  EXPECT_TRUE(process->wait_end(soon()));
  EXPECT_EQ(reap_left_over(), 0U);
  EXPECT_FALSE(identify(child.pid));
}

}  // namespace
}  // namespace visor::sdk

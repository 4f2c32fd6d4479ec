// SPDX-License-Identifier: Apache-2.0
#include "spawn.hpp"

#include "visor/core/error.hpp"
#include "visor/sdk/process/reaper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <memory>

namespace visor::sdk {
namespace {

// clone() by its other name in libc: ThreadSanitizer replaces the usual one and takes every child for a fork, although
// this one shares the parent's memory until exec. The parent would then be what it believes to be the child.
extern "C" int libc_clone(int (*function)(void*), void* stack, int flags, void* argument, ...) __asm__("__clone");

constexpr std::size_t stack_bytes = 64 * 1024;
constexpr int lifeline_number = 3;

struct Start {
  const char* path;
  char** argv;
  int lifeline;
  volatile int error;
};

VISOR_RAW_CHILD
int become_keeper(void* argument) {
  auto* start = static_cast<Start*>(argument);
  char* environment[] = {nullptr};
  long done = 0;
  if (start->lifeline == lifeline_number) {
    done = ::syscall(SYS_fcntl, lifeline_number, F_SETFD, 0);
  } else {
    done = ::syscall(SYS_dup3, start->lifeline, lifeline_number, 0);
  }
  if (done >= 0) done = ::syscall(SYS_close_range, lifeline_number + 1, ~0U, 0);
  if (done >= 0) ::syscall(SYS_execve, start->path, start->argv, environment);
  start->error = errno;
  ::syscall(SYS_exit_group, 127);
  return 0;
}

class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

Spawned spawn_child(int (*child)(void*), void* argument) {
  struct alignas(64) Stack {
    std::array<char, stack_bytes> bytes;
  };
  const auto stack = std::make_unique_for_overwrite<Stack>();
  int pidfd = -1;
  int pid = -1;
  int error = 0;
  {
    // The mask passes through exec, unless the child sees to that.
    const BlockedSignals blocked;
    // No exit signal: a child that fails to execute is nothing a SIGCHLD handler of the host should see.
    pid = libc_clone(child, stack->bytes.data() + stack_bytes, CLONE_VM | CLONE_VFORK | CLONE_PIDFD, argument, &pidfd);
    error = errno;
  }
  if (pid < 0) throw system_error("Cannot create a process", error);
  return {pid, UniqueFd(pidfd)};
}

void drop_child(Spawned child) {
  pollfd end{child.pidfd.get(), POLLIN, 0};
  (void)::poll(&end, 1, 1000);
  leave_to_reaper(std::move(child.pidfd));
}

Spawned spawn_keeper(const std::string& keeper_path, const std::string& run_dir, int lifeline) {
  std::string name = "visor-keeper";
  std::string folder = run_dir;
  std::array<char*, 3> argv{name.data(), folder.data(), nullptr};
  Start start{keeper_path.c_str(), argv.data(), lifeline, 0};
  auto keeper = spawn_child(become_keeper, &start);
  if (start.error == 0) return keeper;
  drop_child(std::move(keeper));
  throw system_error("Cannot execute the keeper '" + keeper_path + "'", start.error);
}

}  // namespace visor::sdk

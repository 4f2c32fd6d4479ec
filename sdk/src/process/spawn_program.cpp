// SPDX-License-Identifier: Apache-2.0
// A program with descriptors, credentials and signals as the caller says.
#include "spawn.hpp"
#include "visor/core/error.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <string_view>

namespace visor::sdk {
namespace {

enum Step : int { signals, session, descriptors, groups, gid, uid, folder, privileges, parent, execution };

constexpr std::array<std::string_view, 10> step_names = {"signals", "setsid", "fds",          "setgroups", "setgid",
                                                         "setuid",  "chdir",  "no_new_privs", "parent",    "exec"};

/// The size of a signal set as the kernel has it: one bit a signal, 64 of them.
constexpr std::size_t kernel_set_bytes = 8;

/// Everything as the system calls take it: in the child nothing can be made any more.
struct Start {
  const char* path;
  char* const* argv;
  char* const* env;
  const char* folder;  // null: stay
  const int* sources;
  int* moved;  // room for as many
  int count;
  bool take_credentials;
  uid_t uid;
  gid_t gid;
  const gid_t* groups;
  std::size_t group_count;
  bool no_new_privs;
  pid_t parent;  // 0: outlive it
  volatile int step;
  volatile int error;
};

VISOR_RAW_CHILD
long reset_signals() {
  // A disposition of all zeros is the default one, in whatever order the kernel has its members.
  std::array<unsigned long, 8> plain{};
  for (int signal = 1; signal <= 64; ++signal) {
    ::syscall(SYS_rt_sigaction, signal, &plain, nullptr, kernel_set_bytes);  // fails for SIGKILL and SIGSTOP
  }
  return ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &plain, nullptr, kernel_set_bytes);
}

/// Sources move above every target first, so that none is overwritten while it is still needed.
VISOR_RAW_CHILD
long place_fds(const Start& start) {
  for (int i = 0; i < start.count; ++i) {
    const long moved = ::syscall(SYS_fcntl, start.sources[i], F_DUPFD_CLOEXEC, start.count);
    if (moved < 0) return -1;
    start.moved[i] = static_cast<int>(moved);
  }
  if (::syscall(SYS_close_range, 0U, ~0U, CLOSE_RANGE_CLOEXEC) < 0) return -1;
  for (int i = 0; i < start.count; ++i) {
    if (::syscall(SYS_dup3, start.moved[i], i, 0) < 0) return -1;
  }
  return 0;
}

/// By system calls: libc's functions would change all threads of the program whose memory this is.
VISOR_RAW_CHILD
bool take_credentials(Start& start) {
  start.step = groups;
  if (::syscall(SYS_setgroups, start.group_count, start.groups) < 0) return false;
  start.step = gid;
  if (::syscall(SYS_setresgid, start.gid, start.gid, start.gid) < 0) return false;
  start.step = uid;
  return ::syscall(SYS_setresuid, start.uid, start.uid, start.uid) >= 0;
}

/// A change of credentials would undo it. The parent may have ended before.
VISOR_RAW_CHILD
bool end_with_parent(pid_t parent) {
  return ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) >= 0 && ::syscall(SYS_getppid) == parent;
}

/// Returns when a step failed. What needs privileges comes before they go.
VISOR_RAW_CHILD
void execute(Start& start) {
  start.step = signals;
  if (reset_signals() < 0) return;
  start.step = session;
  if (::syscall(SYS_setsid) < 0) return;
  start.step = descriptors;
  if (place_fds(start) < 0) return;
  if (start.take_credentials && !take_credentials(start)) return;
  start.step = folder;
  if (start.folder != nullptr && ::syscall(SYS_chdir, start.folder) < 0) return;
  start.step = privileges;
  if (start.no_new_privs && ::syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return;
  start.step = parent;
  if (start.parent != 0 && !end_with_parent(start.parent)) return;
  start.step = execution;
  ::syscall(SYS_execve, start.path, start.argv, start.env);
}

VISOR_RAW_CHILD
int become_program(void* argument) {
  auto& start = *static_cast<Start*>(argument);
  execute(start);
  start.error = errno;
  ::syscall(SYS_exit_group, 127);
  return 0;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (const auto& text : texts) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

}  // namespace

Spawned spawn_program(const ProgramStart& what) {
  const auto argv = pointers(what.argv);
  const auto env = pointers(what.env);
  const auto who = what.credentials.value_or(Credentials{});
  std::vector<int> moved(what.fds.size());
  Start start{.path = what.path.c_str(),
              .argv = argv.data(),
              .env = what.env.empty() ? environ : env.data(),
              .folder = what.working_dir.empty() ? nullptr : what.working_dir.c_str(),
              .sources = what.fds.data(),
              .moved = moved.data(),
              .count = static_cast<int>(what.fds.size()),
              .take_credentials = what.credentials.has_value(),
              .uid = who.uid,
              .gid = who.gid,
              .groups = who.groups.data(),
              .group_count = who.groups.size(),
              .no_new_privs = what.no_new_privs,
              .parent = what.end_with_caller ? ::getpid() : 0,
              .step = signals,
              .error = 0};
  auto program = spawn_child(become_program, &start);
  if (start.error == 0) return program;
  drop_child(std::move(program));
  const auto name = step_names.at(static_cast<std::size_t>(start.step));
  throw system_error("Cannot execute '" + what.path + "' (" + std::string{name} + ")", start.error);
}

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#include "child.hpp"

#include "failure.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <string_view>

namespace visor::keeper {
namespace {

enum class Stage : int { session, cgroup, netns, fds, working_dir, limits, exec_label, groups, gid, uid, privs, exec };

constexpr std::array<std::string_view, 12> stage_names = {"session", "cgroup",    "netns",  "fds",    "chdir", "rlimit",
                                                          "label",   "setgroups", "setgid", "setuid", "privs", "exec"};

bool write_file(const std::string& path, std::string_view text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool done = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  ::close(file);
  errno = error;
  return done;
}

// Sources move above every target first, so that no dup2 can overwrite one that is still needed.
bool place_fds(std::vector<PlacedFd>& fds) {
  std::sort(fds.begin(), fds.end(), [](const PlacedFd& a, const PlacedFd& b) { return a.target < b.target; });
  for (auto& fd : fds) {
    fd.source = ::fcntl(fd.source, F_DUPFD_CLOEXEC, fds.back().target + 1);
    if (fd.source < 0) return false;
  }
  unsigned next = 0;
  for (const auto& fd : fds) {
    const auto target = static_cast<unsigned>(fd.target);
    if (::dup2(fd.source, fd.target) < 0) return false;
    if (target > next && ::close_range(next, target - 1, CLOSE_RANGE_CLOEXEC) != 0) return false;
    next = target + 1;
  }
  return ::close_range(next, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

bool apply_limits(const std::vector<sdk::ResourceLimit>& limits) {
  return std::all_of(limits.begin(), limits.end(), [](const sdk::ResourceLimit& limit) {
    const rlimit value{limit.soft, limit.hard};
    return ::setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &value) == 0;
  });
}

void reset_signals() {
  struct sigaction plain{};
  plain.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &plain, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (const auto& text : texts) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

// Returns only when something failed, with errno set. The order matters: what needs privileges comes before they go.
Stage become(const sdk::ProcessSpec& spec, std::vector<PlacedFd>& fds, int netns_fd) {
  // A group of its own: User-Mode Linux signals its whole group when it ends.
  if (::setsid() < 0) return Stage::session;
  if (!spec.cgroup_dir.empty() && !write_file(spec.cgroup_dir + "/cgroup.procs", "0")) return Stage::cgroup;
  if (netns_fd >= 0 && ::setns(netns_fd, CLONE_NEWNET) != 0) return Stage::netns;
  if (!place_fds(fds)) return Stage::fds;
  if (!apply_limits(spec.limits)) return Stage::limits;
  if (!spec.exec_label.empty() && !write_file("/proc/self/attr/exec", spec.exec_label)) return Stage::exec_label;
  if (spec.credentials) {
    const auto& who = *spec.credentials;
    if (::setgroups(who.groups.size(), who.groups.data()) != 0) return Stage::groups;
    if (::setresgid(who.gid, who.gid, who.gid) != 0) return Stage::gid;
    if (::setresuid(who.uid, who.uid, who.uid) != 0) return Stage::uid;
  }
  if (::chdir(spec.working_dir.c_str()) != 0) return Stage::working_dir;
  if (spec.no_new_privs && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Stage::privs;
  reset_signals();
  ::execve(spec.argv[0].c_str(), pointers(spec.argv).data(), pointers(spec.env).data());
  return Stage::exec;
}

// What the child does, on memory that it shares with the keeper until exec.
struct Start {
  const sdk::ProcessSpec& spec;
  std::vector<PlacedFd> fds;
  int netns_fd = -1;
  Stage stage = Stage::session;
  int error = 0;  // 0: exec succeeded
};

int run_child(void* argument) {
  auto& start = *static_cast<Start*>(argument);
  start.stage = become(start.spec, start.fds, start.netns_fd);
  start.error = errno;
  ::_exit(127);
}

std::string subject(const sdk::ProcessSpec& spec, Stage stage) {
  if (stage == Stage::exec) return spec.argv[0];
  if (stage == Stage::working_dir) return spec.working_dir;
  return stage == Stage::cgroup ? spec.cgroup_dir : std::string{};
}

}  // namespace

pid_t spawn(const sdk::ProcessSpec& spec, const std::vector<PlacedFd>& fds, int netns_fd) {
  alignas(64) static std::array<char, 256 * 1024> stack;  // its pages cost nothing until they are touched
  Start start{spec, fds, netns_fd};
  // The keeper stands still until exec: no page is copied, and the outcome is in `start`. It has one thread and no
  // signal handler, so nothing else can run on this memory meanwhile.
  const pid_t pid = ::clone(run_child, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
  if (pid < 0) throw Failure{"fork", errno, {}, spec.name};
  if (start.error == 0) return pid;
  ::waitpid(pid, nullptr, 0);
  throw Failure{std::string{stage_names.at(static_cast<std::size_t>(start.stage))}, start.error,
                subject(spec, start.stage), spec.name};
}

}  // namespace visor::keeper

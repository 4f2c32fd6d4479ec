// SPDX-License-Identifier: Apache-2.0
#include "left_over.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <system_error>
#include <thread>

namespace visor::test {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// The parent of every process that has not ended, by /proc/PID/stat: "PID (NAME) STATE PARENT ...", and a name may
/// hold anything.
std::map<int, int> parents() {
  std::map<int, int> found;
  for (const auto& entry : fs::directory_iterator{"/proc"}) {
    const int pid = std::atoi(entry.path().filename().c_str());
    const auto stat = pid > 0 ? content(entry.path() / "stat") : std::string{};
    const auto name_end = stat.rfind(") ");
    if (name_end != std::string::npos && stat[name_end + 2] != 'Z') found[pid] = std::atoi(stat.c_str() + name_end + 4);
  }
  return found;
}

/// Whether this process has no child any more by then.
bool all_reaped(std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL) != 0) return errno == ECHILD;
    if (std::chrono::steady_clock::now() > deadline) return false;
    if (info.si_pid == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

/// Kills the descendants of this process and returns what they were.
std::vector<std::string> kill_descendants() {
  const auto parent_of = parents();
  std::vector<std::string> killed;
  for (const auto& [pid, parent] : parent_of) {
    auto ancestor = parent_of.find(pid);
    while (ancestor != parent_of.end() && ancestor->second != ::getpid()) ancestor = parent_of.find(ancestor->second);
    if (ancestor == parent_of.end()) continue;
    auto line = content("/proc/" + std::to_string(pid) + "/cmdline");
    std::ranges::replace(line, '\0', ' ');
    killed.push_back(std::to_string(pid) + " " + line.substr(0, 200));
    ::kill(pid, SIGKILL);
  }
  return killed;
}

}  // namespace

void adopt_orphans() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
    throw std::system_error(errno, std::generic_category(), "Cannot adopt orphans");
  }
}

std::vector<std::string> left_processes(std::chrono::milliseconds limit) {
  if (all_reaped(limit)) return {};
  auto left = kill_descendants();
  if (!all_reaped(std::chrono::seconds(10))) left.emplace_back("and what did not end, or came meanwhile");
  return left;
}

std::size_t open_fds() {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator{"/proc/self/fd"}, fs::directory_iterator{}));
}

std::vector<std::string> sockets_in(const fs::path& folder) {
  std::vector<std::string> sockets;
  for (const auto& entry : fs::recursive_directory_iterator{folder}) {
    if (entry.is_socket()) sockets.push_back(entry.path().string());
  }
  return sockets;
}

}  // namespace visor::test

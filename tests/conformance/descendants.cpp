// SPDX-License-Identifier: Apache-2.0
#include "descendants.hpp"

#include "visor/core/error.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

namespace visor::conformance {
namespace {

/// Reaps what has ended. Returns whether children are left.
bool reap_ended() {
  for (;;) {
    const auto pid = ::waitpid(-1, nullptr, WNOHANG | __WALL);
    if (pid == 0) return true;
    if (pid < 0 && errno != EINTR) return false;
  }
}

std::string command_of(const std::filesystem::path& process) {
  std::ifstream file{process / "cmdline"};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  for (auto& c : text) c = c == '\0' ? ' ' : c;
  return text;
}

/// Whether a folder of /proc is that of a child of this process.
bool is_child(const std::filesystem::path& process) {
  std::ifstream file{process / "stat"};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  const auto end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return false;
  std::istringstream rest{text.substr(end_of_name + 1)};
  std::string state;
  pid_t parent = 0;
  rest >> state >> parent;
  return parent == ::getpid();
}

/// Kills the children. What they leave behind comes next.
std::string kill_children() {
  std::string killed;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    if (!is_child(entry.path())) continue;
    const auto pid = entry.path().filename().string();
    killed += "\n  " + pid + " " + command_of(entry.path());
    ::kill(std::stoi(pid), SIGKILL);
  }
  return killed;
}

}  // namespace

void adopt_orphans() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) throw system_error("Cannot adopt orphans", errno);
}

std::string end_descendants(const CallContext& limit) {
  std::string killed;
  while (reap_ended()) {
    if (limit.expired()) killed += kill_children();
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return killed;
}

}  // namespace visor::conformance

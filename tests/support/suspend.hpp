// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace visor::test {

/// Whether each thread of a process stands still. kill() returns before that: on a busy host the others run on until
/// the one that was woken for the signal stops them.
inline bool all_stopped(pid_t pid) {
  std::error_code none;
  for (const auto& task : std::filesystem::directory_iterator{"/proc/" + std::to_string(pid) + "/task", none}) {
    std::string line;
    std::getline(std::ifstream{task.path() / "stat"}, line);
    const auto state = line.rfind(')');
    if (state == std::string::npos || line.substr(state, 3) != ") T") return false;
  }
  return !none;
}

/// Sends SIGSTOP and returns when nothing of the process runs any more; false when there is none, or after 30 s.
inline bool suspend(pid_t pid) {
  if (::kill(pid, SIGSTOP) != 0) return false;
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (!all_stopped(pid)) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

}  // namespace visor::test

// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/process/reaper.hpp"

#include "visor/core/error.hpp"

#include <sys/wait.h>

#include <cerrno>
#include <mutex>
#include <vector>

namespace visor::sdk {
namespace {

struct LeftOver {
  std::mutex mutex;
  std::vector<UniqueFd> pidfds;
};

// Never destroyed: sessions of static lifetime may end after it would be.
LeftOver& left_over() {
  static auto* instance = new LeftOver;
  return *instance;
}

}  // namespace

Reaped reap(int pidfd) {
  siginfo_t info{};
  for (;;) {
    // __WALL: until exec, the child's exit signal is none at all (see spawn).
    if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG | __WALL) == 0) {
      return info.si_pid == 0 ? Reaped::running : Reaped::reaped;
    }
    if (errno == ECHILD) return Reaped::not_ours;
    if (errno != EINTR) throw system_error("waitid", errno);
  }
}

void leave_to_reaper(UniqueFd pidfd) noexcept try {
  if (!pidfd || reap(pidfd.get()) != Reaped::running) return;
  auto& list = left_over();
  const std::lock_guard lock(list.mutex);
  list.pidfds.push_back(std::move(pidfd));
} catch (...) {  // no memory for the list: it stays a zombie until this program ends
}

std::size_t reap_left_over() {
  auto& list = left_over();
  const std::lock_guard lock(list.mutex);
  std::erase_if(list.pidfds, [](const UniqueFd& pidfd) { return reap(pidfd.get()) != Reaped::running; });
  return list.pidfds.size();
}

}  // namespace visor::sdk

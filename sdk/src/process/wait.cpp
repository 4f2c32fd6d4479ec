// SPDX-License-Identifier: Apache-2.0
#include "wait.hpp"

#include "visor/core/error.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>

namespace visor::sdk {

int poll_ms(Deadline deadline) noexcept {
  const auto now = std::chrono::steady_clock::now();
  if (deadline <= now) return 0;
  // Compared before it is subtracted: Deadline::max() less a moment would still round up over the edge.
  if (deadline - now > std::chrono::hours{1}) return 3'600'000;
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count());
}

bool wait_for(int fd, short events, Deadline deadline) {
  for (;;) {
    pollfd polled{fd, events, 0};
    const int ready = ::poll(&polled, 1, poll_ms(deadline));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) throw system_error("poll", errno);
    if (ready == 0 && deadline <= std::chrono::steady_clock::now()) return false;
  }
}

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#include "wait.hpp"

#include "visor/core/error.hpp"
#include "visor/core/unique_fd.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
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

void wait_for(int fd, short events, std::string_view what, const CallContext& call) {
  const UniqueFd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!wake) throw system_error("Cannot create an eventfd", errno);
  const CancelCallback on_cancel{call.cancel(), [&wake] { (void)::eventfd_write(wake.get(), 1); }};
  std::array<pollfd, 2> fds{{{fd, events, 0}, {wake.get(), POLLIN, 0}}};
  for (;;) {
    call.check(what);
    const int ready = ::poll(fds.data(), fds.size(), poll_ms(call.deadline()));
    if (ready < 0 && errno != EINTR) throw system_error("Cannot poll", errno);
    if (ready > 0 && fds[0].revents != 0) return;
  }
}

}  // namespace visor::sdk

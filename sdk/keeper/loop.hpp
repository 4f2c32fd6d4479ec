// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/unique_fd.hpp"

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace visor::keeper {

using Milliseconds = std::chrono::milliseconds;
using Moment = std::chrono::steady_clock::time_point;

/// Microseconds since 1970.
std::uint64_t wall_us();

class Handler {
 public:
  virtual ~Handler();
  virtual void on_ready(std::uint32_t events) = 0;
};

class Timer;

/// The one epoll loop. It takes one event at a time, so a handler may remove any other without leaving a stale one.
class Loop {
 public:
  Loop();
  /// Waits for one event or timer and runs it.
  void step();

 private:
  friend class Watch;
  friend class Timer;
  [[nodiscard]] int wait_ms() const;
  void run_timers();

  UniqueFd epoll_;
  std::vector<Timer*> timers_;
};

/// Keeps a descriptor in the loop. Destroy it before the descriptor is closed.
class Watch {
 public:
  Watch(Loop& loop, int fd, std::uint32_t events, Handler& handler);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch();
  void want(std::uint32_t events);

 private:
  Loop& loop_;
  int fd_;
  std::uint32_t events_;
  Handler& handler_;
};

/// Runs its action once, some time after arm().
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> action);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();
  void arm(Milliseconds delay);
  void cancel() { due_.reset(); }

 private:
  friend class Loop;
  Loop& loop_;
  std::function<void()> action_;
  std::optional<Moment> due_;
};

}  // namespace visor::keeper

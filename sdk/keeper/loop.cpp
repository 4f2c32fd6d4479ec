// SPDX-License-Identifier: Apache-2.0
#include "loop.hpp"

#include <algorithm>

namespace visor::keeper {

std::uint64_t wall_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

Handler::~Handler() = default;

Loop::Loop() : epoll_{::epoll_create1(EPOLL_CLOEXEC)} {}

int Loop::wait_ms() const {
  std::optional<Moment> first;
  for (const auto* timer : timers_) {
    if (timer->due_ && (!first || *timer->due_ < *first)) first = timer->due_;
  }
  if (!first) return -1;
  const auto left = std::chrono::ceil<Milliseconds>(*first - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 60'000));
}

void Loop::run_timers() {
  const auto now = std::chrono::steady_clock::now();
  for (auto* const timer : timers_) {
    if (!timer->due_ || *timer->due_ > now) continue;
    timer->due_.reset();
    timer->action_();
    return;  // the action may have changed the list; the rest is due in the next step
  }
}

void Loop::step() {
  epoll_event event{};
  if (::epoll_wait(epoll_.get(), &event, 1, wait_ms()) == 1) {
    static_cast<Handler*>(event.data.ptr)->on_ready(event.events);
  }
  run_timers();
}

Watch::Watch(Loop& loop, int fd, std::uint32_t events, Handler& handler)
    : loop_{loop}, fd_{fd}, events_{events}, handler_{handler} {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  ::epoll_ctl(loop_.epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

Watch::~Watch() { ::epoll_ctl(loop_.epoll_.get(), EPOLL_CTL_DEL, fd_, nullptr); }

void Watch::want(std::uint32_t events) {
  if (events == events_) return;
  events_ = events;
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler_;
  ::epoll_ctl(loop_.epoll_.get(), EPOLL_CTL_MOD, fd_, &event);
}

Timer::Timer(Loop& loop, std::function<void()> action) : loop_{loop}, action_{std::move(action)} {
  loop_.timers_.push_back(this);
}

Timer::~Timer() { std::erase(loop_.timers_, this); }

void Timer::arm(Milliseconds delay) { due_ = std::chrono::steady_clock::now() + delay; }

}  // namespace visor::keeper

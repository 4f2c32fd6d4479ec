// SPDX-License-Identifier: Apache-2.0
// FdWatch and Timer. An Asio object must not be used by two threads at once: each state has a mutex for its own, which
// is never held while a callback runs. Handlers hold their state weakly, so dropping the handle ends everything.
#include "io_thread_impl.hpp"
#include "leak.hpp"
#include "visor/core/error.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/stat.h>

#include <cerrno>
#include <optional>

namespace visor::sdk {

struct FdWatch::State : std::enable_shared_from_this<FdWatch::State> {
  State(std::shared_ptr<IoThread::Impl> impl, int fd, std::function<void()> callback)
      : io{std::move(impl)}, on_readable{std::move(callback)}, descriptor{io->context} {
    boost::system::error_code failure;
    if (descriptor.assign(fd, failure)) throw system_error("Cannot watch a descriptor", failure.value());
  }
  ~State() { end(); }

  void end() noexcept {
    const std::scoped_lock lock{mutex};
    if (descriptor.is_open()) descriptor.release();
  }

  void wait_readable() {
    const std::scoped_lock lock{mutex};
    if (!descriptor.is_open()) return;
    descriptor.async_wait(descriptor.wait_read, [weak = weak_from_this()](boost::system::error_code failure) {
      const auto self = weak.lock();
      if (!self || failure == boost::asio::error::operation_aborted) return;
      self->call(self->on_readable);
      if (!failure) self->wait_readable();
    });
  }

  void wait_writable(std::function<void()> callback) {
    const std::scoped_lock lock{mutex};
    if (!descriptor.is_open() || on_writable) return;
    on_writable = std::move(callback);
    descriptor.async_wait(descriptor.wait_write, [weak = weak_from_this()](boost::system::error_code failure) {
      const auto self = weak.lock();
      if (!self || failure == boost::asio::error::operation_aborted) return;
      std::function<void()> once;
      {
        const std::scoped_lock taking{self->mutex};
        once = std::exchange(self->on_writable, nullptr);
      }
      self->call(once);
    });
  }

  void call(const std::function<void()>& callback) {
    if (!gate.enter()) return;
    io->run(callback);
    gate.leave();
  }

  const std::shared_ptr<IoThread::Impl> io;
  const std::function<void()> on_readable;
  CallbackGate gate;
  std::mutex mutex;
  std::function<void()> on_writable;
  boost::asio::posix::stream_descriptor descriptor;
};

struct Timer::State : std::enable_shared_from_this<Timer::State> {
  State(std::shared_ptr<IoThread::Impl> impl, std::function<void()> function)
      : io{std::move(impl)}, callback{std::move(function)}, timer{io->context} {}

  void set(std::optional<Deadline> when) {
    const std::scoped_lock lock{mutex};
    ++round;
    if (!when) {
      timer.cancel();
      return;
    }
    timer.expires_at(*when);
    // The number tells a wait that was replaced after it had already ended but before its handler ran.
    timer.async_wait([weak = weak_from_this(), mine = round](boost::system::error_code failure) {
      if (const auto self = weak.lock(); self && !failure) self->fire(mine);
    });
  }

  void fire(std::uint64_t mine) {
    {
      const std::scoped_lock lock{mutex};
      if (mine != round) return;
    }
    if (!gate.enter()) return;
    io->run(callback);
    gate.leave();
  }

  const std::shared_ptr<IoThread::Impl> io;
  const std::function<void()> callback;
  CallbackGate gate;
  std::mutex mutex;
  std::uint64_t round = 0;
  boost::asio::steady_timer timer;
};

FdWatch::FdWatch() noexcept = default;
FdWatch::FdWatch(std::shared_ptr<State> state) noexcept : state_{std::move(state)} {}
FdWatch::FdWatch(FdWatch&&) noexcept = default;
FdWatch& FdWatch::operator=(FdWatch&& other) noexcept {
  reset();
  state_ = std::move(other.state_);
  return *this;
}
FdWatch::~FdWatch() { reset(); }

void FdWatch::when_writable(std::function<void()> callback) {
  if (state_) state_->wait_writable(std::move(callback));
}

void FdWatch::reset() noexcept {
  const auto state = std::move(state_);
  if (!state) return;
  if (state->io->forked()) return leak(std::shared_ptr{state});
  state->end();
  state->gate.close(!state->io->on_this_thread());
}

Timer::Timer() noexcept = default;
Timer::Timer(std::shared_ptr<State> state) noexcept : state_{std::move(state)} {}
Timer::Timer(Timer&&) noexcept = default;
Timer& Timer::operator=(Timer&& other) noexcept {
  reset();
  state_ = std::move(other.state_);
  return *this;
}
Timer::~Timer() { reset(); }

void Timer::set(Deadline when) {
  if (state_) state_->set(when);
}

void Timer::cancel() noexcept {
  if (state_) state_->set(std::nullopt);
}

void Timer::reset() noexcept {
  const auto state = std::move(state_);
  if (!state) return;
  if (state->io->forked()) return leak(std::shared_ptr{state});
  state->set(std::nullopt);
  state->gate.close(!state->io->on_this_thread());
}

FdWatch IoThread::watch_readable(int fd, std::function<void()> callback) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) throw system_error("Cannot watch a descriptor", errno);
  if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) {
    throw Error(Errc::io_error, "Cannot watch a descriptor: it is a file, which always reads as ready");
  }
  auto state = std::make_shared<FdWatch::State>(impl_, fd, std::move(callback));
  state->wait_readable();
  return FdWatch{std::move(state)};
}

Timer IoThread::timer(std::function<void()> callback) {
  return Timer{std::make_shared<Timer::State>(impl_, std::move(callback))};
}

}  // namespace visor::sdk

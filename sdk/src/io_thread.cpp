// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/io_thread.hpp"

#include "io_thread_impl.hpp"
#include "leak.hpp"
#include "quiet_thread.hpp"
#include "visor/core/error.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>

#include <pthread.h>

namespace visor::sdk {
namespace {

thread_local const void* running = nullptr;  // the Impl whose function this thread is in

/// The process's shared thread. Never destroyed: threads may still end while static objects are being destroyed.
struct Shared {
  std::mutex mutex;
  std::weak_ptr<IoThread> thread;
  std::atomic<std::uint64_t> forks{0};
};

void lock_shared();
void unlock_shared();
void enter_child();

Shared& shared_state() {
  static auto* const state = [] {
    ::pthread_atfork(lock_shared, unlock_shared, enter_child);
    return new Shared;
  }();
  return *state;
}

void lock_shared() { shared_state().mutex.lock(); }
void unlock_shared() { shared_state().mutex.unlock(); }
void enter_child() {
  ++shared_state().forks;
  shared_state().mutex.unlock();
}

/// Asio makes its epoll instance with the first object that needs one: here, so that it is here that it fails.
template <class Impl>
std::shared_ptr<Impl> make_impl(bool with_thread) try {
  auto impl = std::make_shared<Impl>(with_thread);
  const boost::asio::steady_timer first{impl->context};
  return impl;
} catch (const boost::system::system_error& error) {
  throw system_error("Cannot create the I/O thread", error.code().value());
}

}  // namespace

bool on_io_thread() noexcept { return running != nullptr; }

IoThread::Impl::Impl(bool with_thread) : forks{shared_state().forks}, manual{!with_thread} {}

bool IoThread::Impl::on_this_thread() const noexcept { return running == this; }

bool IoThread::Impl::forked() const noexcept { return shared_state().forks != forks; }

void IoThread::Impl::run(const std::function<void()>& function) noexcept {
  const void* const before = std::exchange(running, this);
  try {
    function();
  } catch (...) {
    ++failures;
  }
  running = before;
}

IoThread::IoThread(bool with_thread) : impl_{make_impl<Impl>(with_thread)} {
  if (!with_thread) return;
  // The thread keeps the Impl: the last user may let go of the IoThread on this very thread.
  impl_->thread = start_quiet_thread(
      [impl = impl_] {
        running = impl.get();
        impl->context.run();
      },
      "Cannot start the I/O thread");
}

std::shared_ptr<IoThread> IoThread::shared() {
  auto& state = shared_state();
  const std::scoped_lock lock{state.mutex};
  auto thread = state.thread.lock();
  if (!thread || thread->impl_->forked()) {
    thread = std::shared_ptr<IoThread>{new IoThread{true}};
    state.thread = thread;
  }
  return thread;
}

std::shared_ptr<IoThread> IoThread::manual() { return std::shared_ptr<IoThread>{new IoThread{false}}; }

IoThread::~IoThread() {
  if (impl_->forked()) {
    leak(std::move(impl_));
    return;
  }
  impl_->work.reset();
  impl_->context.stop();
  if (!impl_->thread.joinable()) return;
  if (on_this_thread()) {
    impl_->thread.detach();
  } else {
    impl_->thread.join();
  }
}

bool IoThread::on_this_thread() const noexcept { return impl_->on_this_thread(); }

bool IoThread::forked() const noexcept { return impl_->forked(); }

void IoThread::post(std::function<void()> function) {
  boost::asio::post(impl_->context, [impl = impl_.get(), function = std::move(function)] { impl->run(function); });
}

void IoThread::run_and_wait(const std::function<void()>& function) {
  if (impl_->forked()) return;
  if (impl_->manual || on_this_thread()) return impl_->run(function);
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  post([&] {
    impl_->run(function);
    const std::scoped_lock lock{mutex};
    done = true;
    changed.notify_all();  // under the lock: the waiter's stack goes when it sees the change
  });
  std::unique_lock lock{mutex};
  changed.wait(lock, [&] { return done; });
}

std::size_t IoThread::run_ready() {
  const void* const before = std::exchange(running, impl_.get());
  impl_->context.restart();
  const auto count = impl_->context.poll();
  running = before;
  return count;
}

std::uint64_t IoThread::failures() const noexcept { return impl_->failures; }

}  // namespace visor::sdk

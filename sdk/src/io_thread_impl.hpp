// SPDX-License-Identifier: Apache-2.0
// What IoThread is made of; only for sources of the SDK that bring their own Asio objects.
#pragma once
#include "visor/sdk/io_thread.hpp"

// Asio's queue has a mutex, which orders all that its handlers see; the fences beside it are for users without one,
// and ThreadSanitizer cannot follow them. Include this header before any of Asio's.
#define BOOST_ASIO_DISABLE_FENCED_BLOCK 1
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace visor::sdk {

/// Whether the caller is a function run by any IoThread. Unlike IoThread::shared() it starts none.
[[nodiscard]] bool on_io_thread() noexcept;

struct IoThread::Impl {
  explicit Impl(bool with_thread);

  [[nodiscard]] bool on_this_thread() const noexcept;
  /// Whether this is a copy in a forked child. Nothing of it may be touched then: the thread does not exist, and the
  /// epoll instance is shared with the parent.
  [[nodiscard]] bool forked() const noexcept;
  /// Runs a function of a user, as one that runs on this thread.
  void run(const std::function<void()>& function) noexcept;

  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
  std::thread thread;
  std::atomic<std::uint64_t> failures{0};
  const std::uint64_t forks;
  const bool manual;
};

/// Lets callbacks in until it is closed; closing waits for the one that is inside.
class CallbackGate {
 public:
  [[nodiscard]] bool enter() {
    const std::scoped_lock lock{mutex_};
    if (closed_) return false;
    ++inside_;
    return true;
  }
  void leave() {
    const std::scoped_lock lock{mutex_};
    --inside_;
    left_.notify_all();  // under the lock: the waiter may destroy the gate as soon as it sees the change
  }
  /// wait: false on the I/O thread, where the callback inside is the caller itself.
  void close(bool wait) {
    std::unique_lock lock{mutex_};
    closed_ = true;
    if (wait) left_.wait(lock, [this] { return inside_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable left_;
  int inside_ = 0;
  bool closed_ = false;
};

}  // namespace visor::sdk

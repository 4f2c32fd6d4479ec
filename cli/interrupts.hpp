// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/unique_fd.hpp"

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

namespace visor::cli {

/// SIGINT, SIGTERM and SIGHUP as cancellations. They are blocked in the thread that makes the object, and so in all
/// that come later, and read by a thread of its own: make it first.
class Interrupts {
 public:
  Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  ~Interrupts();

  /// Cancelled by the first signal.
  [[nodiscard]] CancelToken first() const noexcept { return first_.token(); }
  /// Cancelled by the second signal. A third one ends the program at once.
  [[nodiscard]] CancelToken second() const noexcept { return second_.token(); }
  /// The first signal that came, or 0.
  [[nodiscard]] int signal() const noexcept { return signal_; }
  /// As if the signal had come.
  void raise(int signal) noexcept;
  /// Whether the second signal, too, ends the program at once: true until a command has something to clean up.
  void set_patient(bool patient) noexcept { patient_ = patient; }

 private:
  void watch() noexcept;

  CancelSource first_;
  CancelSource second_;
  std::mutex mutex_;
  int count_ = 0;
  std::atomic<int> signal_ = 0;
  std::atomic<bool> patient_ = false;
  UniqueFd signals_;
  UniqueFd end_;
  std::thread thread_;
};

}  // namespace visor::cli

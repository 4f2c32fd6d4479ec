// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/sdk/export.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace visor::sdk {

/// Watches one descriptor for an IoThread until it is reset or destroyed.
///
/// [any thread] After reset() or destruction the callbacks do not run any more: a callback running on the I/O thread
/// is waited for, unless it is itself the caller. So do not hold a lock that the callback takes.
class VISOR_SDK_EXPORT FdWatch {
 public:
  FdWatch() noexcept;
  FdWatch(FdWatch&&) noexcept;
  FdWatch& operator=(FdWatch&&) noexcept;
  ~FdWatch();

  [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }
  /// Runs `callback` once on the I/O thread when the descriptor takes output. One such wish at a time: a second one
  /// replaces nothing and is ignored while the first is outstanding.
  void when_writable(std::function<void()> callback);
  /// Ends the watch. The descriptor may be closed as soon as this returns.
  void reset() noexcept;

 private:
  friend class IoThread;
  struct State;
  explicit FdWatch(std::shared_ptr<State> state) noexcept;
  std::shared_ptr<State> state_;
};

/// Runs one function on an IoThread at a time of the steady clock; reset() and destruction as FdWatch.
class VISOR_SDK_EXPORT Timer {
 public:
  Timer() noexcept;
  Timer(Timer&&) noexcept;
  Timer& operator=(Timer&&) noexcept;
  ~Timer();

  [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }
  /// [any thread] Runs the function once at this time, instead of any time set before.
  void set(Deadline when);
  /// [any thread] Forgets the time that was set. A function already running is not waited for.
  void cancel() noexcept;
  void reset() noexcept;

 private:
  friend class IoThread;
  struct State;
  explicit Timer(std::shared_ptr<State> state) noexcept;
  std::shared_ptr<State> state_;
};

/// The one thread on which the SDK does socket input and output for all virtual machines of the process.
///
/// Functions that run here must be short and must not block: no file I/O, no waiting, no blocking QMP call. What they
/// throw is caught and counted. It changes no signal handler; the thread blocks all signals.
///
/// After fork() the child has no such thread: objects of the SDK copied into it do nothing when destroyed and must
/// not be used; shared() starts a thread of the child's own. Every descriptor is closed on exec.
class VISOR_SDK_EXPORT IoThread {
 public:
  /// The process's own thread: started for the first user, ended when the last one lets go of it. Throws io_error.
  static std::shared_ptr<IoThread> shared();
  /// One with no thread: it does its work inside run_ready(). For tests that decide what happens when.
  static std::shared_ptr<IoThread> manual();

  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;
  /// Safe on the I/O thread itself. Functions that were posted and did not run are dropped.
  ~IoThread();

  /// Whether the caller is a function run by this object: blocking calls must then refuse with wrong_thread.
  [[nodiscard]] bool on_this_thread() const noexcept;
  /// Whether this is a copy in a forked child, where nothing that belongs to it may be used.
  [[nodiscard]] bool forked() const noexcept;
  /// [any thread] Runs a function soon, after those posted before it.
  void post(std::function<void()> function);
  /// [any thread] Runs a function and returns when it has run: at once when called on the I/O thread or when this is
  /// manual, else in its turn. In a forked child it does nothing. [blocks as long as the functions before it need]
  void run_and_wait(const std::function<void()>& function);
  /// [any thread] Runs `callback` each time the descriptor has input or its peer has closed; again at once when it
  /// leaves some unread. The descriptor stays the caller's, must outlive the watch, may have one watch only, and its
  /// open file becomes non-blocking. Throws io_error when it cannot be watched (a regular file).
  [[nodiscard]] FdWatch watch_readable(int fd, std::function<void()> callback);
  /// [any thread] A timer that runs `callback`; nothing happens before Timer::set().
  [[nodiscard]] Timer timer(std::function<void()> callback);

  /// Manual only: runs what is ready now, without waiting; returns how many functions ran.
  std::size_t run_ready();
  /// How many functions threw.
  [[nodiscard]] std::uint64_t failures() const noexcept;

  struct Impl;
  /// For the SDK's own sources, which know Impl (src/io_thread_impl.hpp).
  [[nodiscard]] Impl& impl() const noexcept { return *impl_; }

 private:
  explicit IoThread(bool with_thread);
  std::shared_ptr<Impl> impl_;
};

}  // namespace visor::sdk

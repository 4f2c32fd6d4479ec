// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/export.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace visor {

/// The point in time by which a call has returned or thrown Error(timeout).
using Deadline = std::chrono::steady_clock::time_point;

/// Asks whether a call was cancelled. Copies share one state; a default-made token is never cancelled.
class VISOR_CORE_EXPORT CancelToken {
 public:
  CancelToken() noexcept;
  CancelToken(const CancelToken&) noexcept;
  CancelToken& operator=(const CancelToken&) noexcept;
  ~CancelToken();

  [[nodiscard]] bool cancelled() const noexcept;

 private:
  friend class CancelSource;
  friend class CancelCallback;
  struct State;
  explicit CancelToken(std::shared_ptr<State> state) noexcept;
  std::shared_ptr<State> state_;
};

/// Cancels calls. cancel() may be called from any thread, many times, and not from a signal handler.
class VISOR_CORE_EXPORT CancelSource {
 public:
  CancelSource();
  CancelSource(const CancelSource&) = delete;
  CancelSource& operator=(const CancelSource&) = delete;
  ~CancelSource();

  [[nodiscard]] CancelToken token() const noexcept;
  void cancel() noexcept;

 private:
  std::shared_ptr<CancelToken::State> state_;
};

/// Runs a function when a token is cancelled, for as long as this object lives; at once when it is cancelled already.
///
/// The function runs on the cancelling thread and must not throw or block. The destructor waits for a running function
/// to end, unless it is the function itself that destroys the object.
class VISOR_CORE_EXPORT CancelCallback {
 public:
  CancelCallback(const CancelToken& token, std::function<void()> function);
  CancelCallback(const CancelCallback&) = delete;
  CancelCallback& operator=(const CancelCallback&) = delete;
  ~CancelCallback();

 private:
  std::shared_ptr<CancelToken::State> state_;
  std::uint64_t id_ = 0;
};

/// Hears how a long call gets on. Called on the calling thread of that call.
class VISOR_CORE_EXPORT ProgressSink {
 public:
  virtual ~ProgressSink();
  /// stage is one of the plugin's documented names ("spawn", "negotiate", …); total 0 means unknown.
  virtual void progress(std::string_view stage, std::uint64_t done, std::uint64_t total) noexcept = 0;
};

/// What every blocking call takes: until when, whether it was cancelled, and who hears of its progress.
///
/// Implicitly made from a duration: vm->start(10s). A deadline alone makes one that nobody can cancel.
class VISOR_CORE_EXPORT CallContext {
 public:
  /// A call that may take this long from now.
  CallContext(std::chrono::milliseconds limit);  // NOLINT(google-explicit-constructor)
  template <class Rep, class Period>
  CallContext(std::chrono::duration<Rep, Period> limit)  // NOLINT(google-explicit-constructor)
      : CallContext(std::chrono::ceil<std::chrono::milliseconds>(limit)) {}
  CallContext(Deadline deadline, CancelToken cancel = {},  // NOLINT(google-explicit-constructor)
              ProgressSink* progress = nullptr) noexcept;

  [[nodiscard]] Deadline deadline() const noexcept { return deadline_; }
  [[nodiscard]] const CancelToken& cancel() const noexcept { return cancel_; }
  [[nodiscard]] ProgressSink* progress_sink() const noexcept { return progress_; }

  /// Time left, never negative.
  [[nodiscard]] std::chrono::milliseconds remaining() const noexcept;
  [[nodiscard]] bool expired() const noexcept;
  /// Throws timeout or cancelled, saying what was waited for, when the call must end now.
  void check(std::string_view what) const;
  /// The same call with an earlier deadline: at most `limit` from now.
  [[nodiscard]] CallContext at_most(std::chrono::milliseconds limit) const;
  void report(std::string_view stage, std::uint64_t done = 0, std::uint64_t total = 0) const noexcept;

 private:
  Deadline deadline_;
  CancelToken cancel_;
  ProgressSink* progress_ = nullptr;
};

}  // namespace visor

// SPDX-License-Identifier: Apache-2.0
// Where a blocking call waits for its outcome. Shared with the completion, which may come after the caller has left.
#pragma once
#include "visor/core/call.hpp"
#include "visor/sdk/qmp/types.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>

namespace visor::sdk::qmp {

class Waiter {
 public:
  void complete(Outcome outcome) {
    {
      const std::scoped_lock lock{mutex_};
      outcome_ = std::move(outcome);
    }
    changed_.notify_all();
  }

  /// The outcome; or timeout or cancelled, when that came first. [blocks until the context's deadline]
  static std::variant<Outcome, Errc> wait(const std::shared_ptr<Waiter>& self, const CallContext& call) {
    const CancelCallback wake{call.cancel(), [self] {
                                {
                                  const std::scoped_lock lock{self->mutex_};
                                  self->cancelled_ = true;
                                }
                                self->changed_.notify_all();
                              }};
    std::unique_lock lock{self->mutex_};
    self->changed_.wait_until(lock, call.deadline(), [&] { return self->outcome_ || self->cancelled_; });
    if (self->outcome_) return *std::move(self->outcome_);
    return self->cancelled_ ? Errc::cancelled : Errc::timeout;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Outcome> outcome_;
  bool cancelled_ = false;
};

}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/sdk/export.h"

#include <condition_variable>
#include <mutex>
#include <string_view>
#include <utility>

namespace visor::sdk {

/// Lets one operation through at a time. Unlike a mutex it can be waited for with a deadline and a cancellation, and
/// holding it across a wait is what it is for.
class VISOR_SDK_EXPORT Gate {
 public:
  /// The right to be inside; leaves when destroyed.
  class Pass {
   public:
    Pass(Pass&& other) noexcept : gate_{std::exchange(other.gate_, nullptr)} {}
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (gate_ != nullptr) gate_->leave();
    }

   private:
    friend class Gate;
    explicit Pass(Gate& gate) noexcept : gate_{&gate} {}
    Gate* gate_;
  };

  /// [blocks until the context's deadline] Throws timeout, naming what was waited for; cancelled.
  Pass enter(const CallContext& call, std::string_view what);

 private:
  void leave();
  std::mutex mutex_;
  std::condition_variable free_;
  bool taken_ = false;
};

}  // namespace visor::sdk

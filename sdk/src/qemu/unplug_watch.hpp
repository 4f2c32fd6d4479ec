// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/events.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <thread>

namespace visor::sdk {

/// Waits, on a thread of its own, for guests that let go of a device after the call that asked for it has ended: what
/// stood behind it is removed then, and the record written.
class UnplugWatch {
 public:
  /// `settle` is called once at first, for what went before anybody listened, and when a device is gone. It may block
  /// until its context's deadline; after a timeout it is called again in a second; what else it throws is
  /// dropped, since the next operation does the same. Throws io_error
  /// when no thread can be started.
  UnplugWatch(std::shared_ptr<EventQueue> events, std::function<void(const CallContext&)> settle);
  UnplugWatch(const UnplugWatch&) = delete;
  UnplugWatch& operator=(const UnplugWatch&) = delete;
  /// Cancels what it does and waits for its end.
  ~UnplugWatch();

 private:
  void run();
  bool settle();
  [[nodiscard]] CallContext until(std::chrono::milliseconds limit) const;

  std::shared_ptr<EventQueue> events_;
  std::function<void(const CallContext&)> settle_;
  CancelSource over_;
  std::thread thread_;
};

}  // namespace visor::sdk

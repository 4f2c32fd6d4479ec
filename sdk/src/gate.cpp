// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/gate.hpp"

namespace visor::sdk {

Gate::Pass Gate::enter(const CallContext& call, std::string_view what) {
  const CancelCallback wake{call.cancel(), [this] {
                              const std::scoped_lock lock{mutex_};
                              free_.notify_all();
                            }};
  std::unique_lock lock{mutex_};
  while (taken_) {
    call.check(what);
    free_.wait_until(lock, call.deadline());
  }
  taken_ = true;
  return Pass{*this};
}

void Gate::leave() {
  const std::scoped_lock lock{mutex_};
  taken_ = false;
  free_.notify_one();
}

}  // namespace visor::sdk

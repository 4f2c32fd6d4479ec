// SPDX-License-Identifier: Apache-2.0
#include "tether.hpp"

#include "visor/core/error.hpp"

namespace visor::sdk {

Tether::Hold Tether::hold() {
  const std::scoped_lock lock{mutex_};
  if (cut_) throw Error(Errc::disconnected, "The handle that this extension belongs to is gone");
  ++holders_;
  return Hold{*this};
}

Tether::Hold::~Hold() {
  const std::scoped_lock lock{tether_.mutex_};
  if (--tether_.holders_ == 0) tether_.free_.notify_all();
}

void Tether::cut() noexcept {
  std::unique_lock lock{mutex_};
  cut_ = true;
  free_.wait(lock, [this] { return holders_ == 0; });
}

}  // namespace visor::sdk

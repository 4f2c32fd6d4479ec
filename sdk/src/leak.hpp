// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <new>
#include <utility>

namespace visor::sdk {

/// Gives up an object on purpose, in a forked child that must not run its destructor.
template <class T>
void leak(std::shared_ptr<T>&& pointer) noexcept {
  (void)new (std::nothrow) std::shared_ptr<T>{std::move(pointer)};
}

}  // namespace visor::sdk

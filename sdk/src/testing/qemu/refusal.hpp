// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"

#include <string>
#include <utility>

namespace visor::testing {

/// What QEMU answers instead of a value.
struct Refusal {
  std::string error_class;
  std::string text;

  [[nodiscard]] Value reply() const {
    return Value::map({{"error", Value::map({{"class", error_class}, {"desc", text}})}});
  }
};

[[noreturn]] inline void refuse(std::string text) { throw Refusal{"GenericError", std::move(text)}; }
[[noreturn]] inline void no_such_device(const std::string& id) {
  throw Refusal{"DeviceNotFound", "Device '" + id + "' not found"};
}

}  // namespace visor::testing

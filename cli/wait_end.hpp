// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/error.hpp"
#include "visor/core/vm.hpp"

#include <chrono>

namespace visor::cli {

/// Waits for the end however long it takes. Throws cancelled.
inline ExitRecord wait_end(Vm& vm, const CancelToken& cancel) {
  for (;;) {
    try {
      return vm.wait_exit({std::chrono::steady_clock::now() + std::chrono::hours{1}, cancel});
    } catch (const Error& error) {
      if (error.code() != Errc::timeout) throw;
    }
  }
}

}  // namespace visor::cli

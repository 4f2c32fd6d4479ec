// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "context.hpp"
#include "visor/core/vm.hpp"
#include "visor/core/vm_state.hpp"

#include <chrono>

namespace visor::cli {

/// How a VM is started, on either way.
struct StartWishes {
  bool paused = false;
  bool boots = true;  ///< and tells when it is ready; one that goes on from a saved state has told
  std::chrono::milliseconds limit{};
};

/// Whether the configuration says how the VM tells that it is ready.
bool has_ready_signal(const VmConfig& config) noexcept;

/// Starts the VM and stays with it to its end: its console on stdout, typed keys to the guest, signals down the stop
/// ladder. Throws what starting it throws, StdoutClosed when nobody reads the console any more; the VM may then live.
ExitRecord run_foreground(Context& context, Vm& vm, const StartWishes& wishes);

}  // namespace visor::cli

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/error.hpp"
#include "visor/core/vm_state.hpp"

namespace visor::cli {

/// The statuses of the command; docs/CLI.md has the table.
namespace exit_code {
inline constexpr int ok = 0;
inline constexpr int failed = 1;
inline constexpr int usage = 2;
inline constexpr int not_found = 3;
inline constexpr int unsupported = 4;
inline constexpr int timeout = 5;
inline constexpr int busy = 6;
inline constexpr int vm_failed = 7;
inline constexpr int denied = 8;
inline constexpr int partial = 9;      ///< a list with items that could not be looked at
inline constexpr int by_signal = 128;  ///< plus the signal: 130 for Ctrl-C, 143 for SIGTERM, 141 when stdout was closed
}  // namespace exit_code

int exit_code_of(Errc code) noexcept;
/// How a VM ended: ok or vm_failed.
int exit_code_of(const ExitRecord& record) noexcept;

}  // namespace visor::cli

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/vm.hpp"

#include <cstdint>
#include <functional>
#include <string_view>

namespace visor::cli {

enum class PumpEnd : std::uint8_t {
  vm_gone,  ///< all of the console was read
  left,     ///< the user typed the escape sequence
  cancelled,
};

enum class PumpInput : std::uint8_t {
  none,
  stream,  ///< stdin as it is, until its end
  keys,    ///< stdin is a terminal: the escape sequences hold
};

/// Copies the console to stdout, and stdin to the console. A guest that leaves input unread for two seconds loses it,
/// for its output must go on being shown: `warn` hears of the first loss at once, and at the end of all, should more
/// have followed. Throws StdoutClosed; io_error and what Console throws.
PumpEnd pump_console(Console& console, PumpInput input, const CancelToken& cancel,
                     const std::function<void(std::string_view text)>& warn);

}  // namespace visor::cli

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"

#include <algorithm>
#include <chrono>

namespace visor::sdk {

/// The part of a call in which a guest is waited for: what is left after it is for asking how things are.
inline CallContext before_last_word(const CallContext& call) {
  constexpr std::chrono::milliseconds most{500};
  return {call.deadline() - std::min(most, call.remaining() / 10), call.cancel(), call.progress_sink()};
}

}  // namespace visor::sdk

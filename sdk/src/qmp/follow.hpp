// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/error.hpp"
#include "visor/core/events.hpp"

#include <chrono>
#include <optional>
#include <string_view>

namespace visor::sdk::qmp {

/// As queue.next(), and ends in time also while events keep coming: next() looks at its context only when none waits.
inline std::optional<Event> next_in_time(EventQueue& queue, const CallContext& call) {
  call.check("an event");
  return queue.next(call);
}

/// How often what runs in QEMU is asked about when no event tells of it.
inline constexpr std::chrono::milliseconds ask_again{200};

/// Waits for the next event of a queue, for at most `interval`: events make a wait short, and only questions tell what
/// is true, since events are lost when a connection is. Nothing came when it returns nothing. Throws timeout or
/// cancelled, saying what was waited for, when the call must end.
inline std::optional<Event> next_event(EventQueue& queue, const CallContext& call, std::string_view what,
                                       std::chrono::milliseconds interval = ask_again) {
  call.check(what);
  try {
    return queue.next(call.at_most(interval));
  } catch (const Error& error) {
    if (error.code() != Errc::timeout && error.code() != Errc::cancelled) throw;
  }
  call.check(what);
  return std::nullopt;
}

}  // namespace visor::sdk::qmp

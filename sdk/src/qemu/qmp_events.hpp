// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/events.hpp"

#include <optional>
#include <string_view>

namespace visor::sdk {

/// Gives an event of QEMU its neutral meaning: the kind, and the members that EventKind promises. An event without the
/// data that its kind needs is `other`. Throws nothing for what a peer may send.
void give_meaning(Event& event);

/// Reads an event from one recorded line of a monitor, as the monitor itself is read, so that both give equal events
/// (but for Event::time when that is not known). Nothing when the line is something else or unreadable.
std::optional<Event> event_from_line(std::string_view line);

}  // namespace visor::sdk

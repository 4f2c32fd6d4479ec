// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/events.hpp"

#include <optional>
#include <string_view>

namespace visor::sdk {

/// Gives an event of QEMU its neutral meaning: the kind, and the members that EventKind promises.
void give_meaning(Event& event);

/// Reads an event from one recorded line of a monitor; nothing when the line is something else or unreadable.
std::optional<Event> event_from_line(std::string_view line);

}  // namespace visor::sdk

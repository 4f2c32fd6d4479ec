// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"

#include <string_view>

namespace visor::sdk {

/// Milliseconds for poll(2), rounded up; 0 when the deadline has passed.
int poll_ms(Deadline deadline) noexcept;

/// Waits for poll events on one descriptor; false when the deadline came first. An end of file counts as an event.
bool wait_for(int fd, short events, Deadline deadline);

/// The same for a call that can be cancelled. Throws timeout or cancelled, naming what was waited for.
void wait_for(int fd, short events, std::string_view what, const CallContext& call);

}  // namespace visor::sdk

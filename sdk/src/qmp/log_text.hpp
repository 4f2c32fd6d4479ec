// SPDX-License-Identifier: Apache-2.0
// What a log shows of commands, answers and events: bounded, printable, without secrets. No I/O.
#pragma once
#include "visor/core/value.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace visor::sdk::qmp {

/// How much of one value or text a line shows, in bytes.
inline constexpr std::size_t max_logged_bytes = 512;

/// A value as JSON on one line; members that may be secret are hidden. Work and size are bounded whatever the value.
std::string shown(const Value& value);
/// The arguments of a command; also what is secret in this command alone is hidden.
std::string shown_arguments(const Command& command);
/// Text of a peer.
std::string shown_text(std::string_view text);
/// Whether the answer to a command may be a secret.
bool hides_answer(const Command& command) noexcept;

}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/export.h"
#include "visor/core/value.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace visor {

/// JSON text of a value. indent < 0: one line. Bytes that are not UTF-8 become U+FFFD, infinities and NaN become null.
VISOR_CORE_EXPORT std::string to_json(const Value& value, int indent = -1);

/// How deep lists and maps may nest in parse_json(): a peer must not be able to exhaust the stack.
inline constexpr std::size_t max_json_depth = 128;

/// Parses exactly one JSON value. Integers of 64 bits stay exact, larger ones become numbers; of duplicate members the
/// last one wins. Throws Error(invalid_config) with the byte position for anything else, including too deep nesting.
VISOR_CORE_EXPORT Value parse_json(std::string_view text);

/// Length in bytes of the UTF-8 character that a text begins with; 0 when it begins with none. Neither overlong forms
/// nor surrogates are.
VISOR_CORE_EXPORT std::size_t utf8_length(std::string_view text) noexcept;

}  // namespace visor

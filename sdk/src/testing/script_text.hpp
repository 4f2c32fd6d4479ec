// SPDX-License-Identifier: Apache-2.0
// YAML of a script as plain data whose marks are places in the file. A member's mark is the place of its key.
#pragma once
#include "visor/core/value.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace visor::testing {

inline constexpr std::size_t max_script_bytes = std::size_t{16} << 20U;
inline constexpr std::size_t max_script_depth = 64;

/// Throws invalid_config: "name:line:column: what".
[[noreturn]] void fail_at(std::string_view name, Mark mark, const std::string& what);

/// The one document of a text. Refuses duplicate keys, tags, anchors and whatever exceeds the limits above.
Value parse_script_text(std::string_view text, std::string_view name);

}  // namespace visor::testing

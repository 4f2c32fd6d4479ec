// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"

#include <string_view>

namespace visor::detail {

/// The one document of a YAML or JSON text as plain data. A member of a map has the mark of its key, and duplicate keys
/// are kept. Throws Error(invalid_config): "<name>:<line>:<column>: <what>".
Value parse_yaml(std::string_view text, std::string_view name);

}  // namespace visor::detail

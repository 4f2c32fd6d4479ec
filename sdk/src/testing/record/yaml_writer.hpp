// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"

#include <string>
#include <vector>

namespace visor::testing {

/// YAML of a value, no line longer than 120 columns unless a key is. parse_script_text() reads the same value.
std::string write_yaml(const Value& value);
/// The items of a list below a key of the outermost map; maps among them with a line for each member.
std::string write_yaml_items(const std::vector<Value>& items);

}  // namespace visor::testing

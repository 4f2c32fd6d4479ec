// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/describe.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace visor::detail {

/// Throws Error(invalid_config) when a value breaks its field's range or form. What its type is, set() says.
void check_value(const Field& field, const Value& value);
/// Whether a required field has nothing in it.
bool is_missing(const Field& field, const Value& value);

/// What contradicts itself within one device, one sentence each; single fields are sound already.
std::vector<std::string> device_problems(const DeviceConfig& device);

/// "a.b", or "b" at the root.
std::string joined_path(std::string_view parent, std::string_view key);
std::string indexed_path(std::string_view list, std::size_t index);

}  // namespace visor::detail

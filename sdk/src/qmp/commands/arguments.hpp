// SPDX-License-Identifier: Apache-2.0
// What the typed commands share to make their arguments; answers are read with an Answer (answer.hpp).
#pragma once
#include "visor/core/error.hpp"
#include "visor/core/value.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <string>
#include <string_view>

namespace visor::sdk::qmp {

/// The text of a member; empty when it is absent or no text.
inline std::string text_of(const Value& map, std::string_view key) {
  const auto* const value = map.find(key);
  return value && value->is_string() ? value->as_string() : std::string{};
}

/// Throws unless a member is there and is text.
inline void require_text(std::string_view command, const Value& arguments, std::string_view key) {
  if (!text_of(arguments, key).empty()) return;
  throw Error(Errc::invalid_config, "The arguments of " + std::string{command} + " lack '" + std::string{key} + "'");
}

/// Runs a command whose one argument names a thing.
inline void run_on(Client& client, std::string_view command, std::string_view key, const std::string& name,
                   const CallContext& call) {
  (void)client.execute(command, Value::map({{std::string{key}, name}}), call);
}

}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
// What the typed commands share.
#pragma once
#include "visor/core/error.hpp"
#include "visor/core/value.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <string>
#include <string_view>
#include <utility>

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

/// Reads an answer; one of another shape becomes an error that names the command.
template <class Read>
auto read_answer(std::string_view command, const Value& answer, Read&& read) {
  try {
    return std::forward<Read>(read)(answer);
  } catch (const Error& error) {
    throw Error(Errc::hypervisor_error,
                "The answer to " + std::string{command} + " is not as documented: " + error.message());
  }
}

}  // namespace visor::sdk::qmp

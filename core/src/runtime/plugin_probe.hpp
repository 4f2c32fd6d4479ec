// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/plugin_abi.hpp"

#include <cstddef>
#include <cstring>
#include <optional>
#include <string>

namespace visor::detail {

/// What an open file's bytes say about the plugin in it. No code of it runs, nothing of it is mapped.
struct PluginProbe {
  std::optional<visor_plugin_identity_t> identity;  ///< as far as it could be read
  std::string reason;                               ///< why this host cannot use it, as a clause; empty: it can
};

PluginProbe probe_plugin(int fd);

/// The text of an identity's field, up to its NUL or its end; what is not printable becomes a question mark.
template <std::size_t Size>
std::string field_text(const char (&field)[Size]) {
  std::string text(field, ::strnlen(field, Size));
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

}  // namespace visor::detail

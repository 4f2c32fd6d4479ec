// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/export.h"

#include <string>
#include <string_view>
#include <vector>

namespace visor {

/// A key with a value, as on a kernel command line. Either may be empty.
struct Param {
  std::string key;
  std::string value;
  bool operator==(const Param&) const = default;
};
using Params = std::vector<Param>;

/// "key<delimiter>value" for each; only the key or only the value where the other is empty; nothing where both are.
/// An empty delimiter makes two items of a pair.
VISOR_CORE_EXPORT std::vector<std::string> serialize_params(const Params& params, std::string_view delimiter);

/// The reverse with '=': each text is split at its first '='; empty texts are skipped.
VISOR_CORE_EXPORT Params deserialize_params(const std::vector<std::string>& texts);

/// Splits a kernel command line at blanks outside double quotes; the quotes stay. Throws invalid_config when a quote is
/// not closed.
VISOR_CORE_EXPORT std::vector<std::string> split_kernel_line(std::string_view line);

/// Parameters as a person writes them, one a text: quotes around a whole parameter or its value are dropped, as the
/// kernel does. Throws invalid_config for what kernel_line() would refuse.
VISOR_CORE_EXPORT Params parse_kernel_params(const std::vector<std::string>& texts);

/// Appends; a key may occur often, and the guest honours the last. Throws invalid_config when the key is empty.
VISOR_CORE_EXPORT void add_param(Params& params, std::string key, std::string value = {});

/// The kernel command line: single blanks between, a value with blanks in double quotes. Throws invalid_config for a
/// NUL, a newline or a double quote inside, for an empty key, and for a blank or '=' in a key.
VISOR_CORE_EXPORT std::string kernel_line(const Params& params);

}  // namespace visor

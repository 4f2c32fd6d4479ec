// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "config_origins.hpp"
#include "visor/core/extensions.hpp"
#include "visor/core/value.hpp"

#include <string>
#include <vector>

namespace visor::cli {

/// A word that a POSIX shell reads as this text.
std::string shell_word(const std::string& text);

/// A command line by section: each option, and beside or below it what asked for it and where that stands.
std::string explanation(const std::vector<CommandPart>& parts, const ConfigOrigins& origins);
/// The same as data: a list of {"section","words","reason"}, of a configuration's field also {"from"}.
Value explanation_value(const std::vector<CommandPart>& parts, const ConfigOrigins& origins);

}  // namespace visor::cli

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace visor::sdk {

/// The program of this name in a folder of $PATH, or in /usr/bin or /usr/local/bin; nothing when there is none.
std::optional<std::string> find_program(const std::string& name);

/// The environment of the programs that we start: nothing of the caller's gets into them.
std::vector<std::string> plain_environment();

}  // namespace visor::sdk

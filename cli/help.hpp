// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "command.hpp"

#include <string>

namespace visor::cli {

/// "run [OPTION...] FILE"
std::string usage_of(const Command& command);
std::string help_of(const Command& command);

}  // namespace visor::cli

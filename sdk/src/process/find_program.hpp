// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/host.hpp"

#include <string>
#include <vector>

namespace visor::sdk {

/// The environment of the programs that we start: nothing of the caller's gets into them.
std::vector<std::string> plain_environment();

}  // namespace visor::sdk

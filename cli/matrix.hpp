// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/hypervisor.hpp"
#include "visor/core/value.hpp"

#include <string>

namespace visor::cli {

/// What each machine of a plugin can do here, for a VM that asks for everything: a map by machine, of maps by feature,
/// true or the reason why not. A plugin without machine types has one that is called "any".
Value matrix_of(const Hypervisor& hypervisor);

/// The same as a table, a feature a line, with the reasons below it.
std::string matrix_text(const Value& matrix);

}  // namespace visor::cli

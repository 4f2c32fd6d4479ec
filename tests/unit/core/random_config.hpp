// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/describe.hpp"

#include <random>

namespace visor::testing {

/// A configuration in which any field may have any value that its table allows, and every device is sound by itself.
/// The same seed gives the same configuration.
VmConfig random_config(std::uint32_t seed);

}  // namespace visor::testing

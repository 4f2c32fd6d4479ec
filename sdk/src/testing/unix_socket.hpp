// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/unique_fd.hpp"

#include <string>

namespace visor::testing {

/// A stream socket that listens at a path, which must be free; throws visor::Error.
UniqueFd listen_at(const std::string& path);
/// A connection to one that does.
UniqueFd connect_to(const std::string& path);

}  // namespace visor::testing

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"

#include <string>

namespace visor::conformance {

/// From now on every descendant whose parent ends becomes a child of this process, whoever started it.
void adopt_orphans();

/// Reaps all children that end by the limit; the others are killed, and returned one a line. A VM's end may be seen
/// before its last process is gone.
std::string end_descendants(const CallContext& limit);

}  // namespace visor::conformance

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/vm_record.hpp"

namespace visor::detail {

/// Whether that very process, and not a later one of its number, is there and no zombie.
bool is_alive(const ProcessIdentity& process);

}  // namespace visor::detail

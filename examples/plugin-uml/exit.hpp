// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/vm_state.hpp"
#include "visor/sdk/process/exit_record.hpp"

namespace uml {

/// What the keeper's record means. UML tells by its exit code alone that it ended; how, its last words say.
visor::ExitRecord explain(const visor::sdk::ExitRecord& kept);

}  // namespace uml

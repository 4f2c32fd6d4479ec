// SPDX-License-Identifier: Apache-2.0
// The processes of a VM that no keeper ends any more.
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/vm_record.hpp"
#include "visor/sdk/process/process_identity.hpp"

#include <chrono>
#include <vector>

namespace visor::sdk {

/// A process of a VM's record.
inline ProcessIdentity identity_of(const visor::ProcessIdentity& process) { return {process.pid, process.start_time}; }

/// What it took to end a process.
enum class Ending {
  none,        ///< it was gone
  terminated,  ///< SIGTERM
  killed,      ///< SIGKILL
  failed,      ///< it outlived its SIGKILL until the deadline
};

/// SIGTERM, then SIGKILL after `grace`; at once when that is 0. [blocks ≤ grace, then ≤ deadline]
Ending end_process(const ProcessIdentity& identity, std::chrono::milliseconds grace, Deadline deadline);

/// The same for several at once, which share the grace. False when one of them is still there, or may not be signalled.
bool end_processes(const std::vector<ProcessIdentity>& identities, std::chrono::milliseconds grace, Deadline deadline);

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/unique_fd.hpp"
#include "visor/sdk/export.h"

#include <cstddef>

namespace visor::sdk {

/// What reap() found.
enum class Reaped {
  running,   ///< not ended yet
  reaped,    ///< ended, and now gone from the process table
  not_ours,  ///< no child of this process, or somebody else reaped it first
};

/// Reaps the child behind a pidfd, without waiting. Uses waitid(P_PIDFD) alone: no SIGCHLD, and no other child of the
/// host program is ever touched. [any thread] [does not block] Errors: io_error.
VISOR_SDK_EXPORT Reaped reap(int pidfd);

/// Hands over a child that nobody waits for any more. It is reaped by a later reap_left_over(), which every launch
/// calls, so a long-living host does not gather zombies. [any thread] [does not block]
VISOR_SDK_EXPORT void leave_to_reaper(UniqueFd pidfd) noexcept;

/// Reaps what was left and has ended; returns how many are still running. [any thread] [does not block]
VISOR_SDK_EXPORT std::size_t reap_left_over();

}  // namespace visor::sdk

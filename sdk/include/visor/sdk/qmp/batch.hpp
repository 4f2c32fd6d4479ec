// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/sdk/export.h"
#include "visor/sdk/qmp/client.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace visor::sdk::qmp {

/// How a list of commands is sent.
enum class BatchMode : std::uint32_t {
  in_order,   ///< each when the one before has succeeded: nothing after a failure reaches QEMU
  pipelined,  ///< all at once: one round trip, but QEMU may have done some after a failure. Those unsent are withdrawn
};

/// What became of a list of commands.
struct VISOR_SDK_EXPORT BatchResult {
  /// One for each command that was tried, in their order. After a failure: nothing (in_order); what QEMU did all the
  /// same, or cancelled for what was withdrawn (pipelined).
  std::vector<Outcome> outcomes;
  std::optional<std::size_t> failed;  ///< which command failed first; nothing when all succeeded

  [[nodiscard]] bool ok() const noexcept { return !failed; }
  /// Throws the first failure as Error; its message has the command.
  void check() const;
};

/// Sends commands until the first one fails. [any thread] [blocks] The deadline and the cancellation are those of the
/// whole list; what is unanswered then ends with timeout or cancelled. Failures of commands are returned, not thrown;
/// wrong_thread and invalid_state (in a forked child) are thrown before anything is sent. A callback may destroy the
/// client meanwhile, as while a method of it runs: what is left of the list then ends with disconnected.
VISOR_SDK_EXPORT BatchResult run_batch(Client& client, const std::vector<Command>& commands, BatchMode mode,
                                       const CallContext& call);

}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/error.hpp"
#include "visor/core/value.hpp"
#include "visor/sdk/export.h"
#include "visor/sdk/qmp/client.hpp"

#include <chrono>
#include <vector>

namespace visor::sdk::qmp {

/// A command and the one that takes it back.
struct Step {
  Command command;
  Command undo = {};  ///< no name: nothing is to be taken back. After device_del it is waited until the device is gone
};

/// How long undoing may take, all steps together. Each is given a tenth of a second at least: so it is sent, and a QEMU
/// that does not answer carries it out, in order, when it wakes.
inline constexpr std::chrono::milliseconds default_undo_limit{2000};

/// The error of a step when something could not be undone; the message names that and why.
class VISOR_SDK_EXPORT UndoError final : public Error {
 public:
  using Error::Error;
  UndoError(const UndoError&);
  UndoError& operator=(const UndoError&) = delete;
  ~UndoError() override;
};

/// Runs commands one after the other, all or none; returns their answers. [any thread] [blocks until the deadline, and
/// when a step fails for undo_limit more] The context's deadline and cancellation are those of the commands, not of the
/// undoing.
///
/// When a step fails, those done before are undone, the last one first, and the step's own error is thrown. If
/// something could not be undone an UndoError of the same code names it and why; that QEMU does not have it any more is
/// no failure, and what is in use is tried again. A step that QEMU has refused is not undone: what it names belongs to
/// somebody else. One whose answer did not come by the deadline is: its answer is waited for within undo_limit, and
/// when that does not come either its undo is sent all the same, behind the step, since QEMU takes commands in order.
/// So the same steps may be run again; only a device that the message names is to be unplugged first, with what stands
/// behind it. The context's progress sink hears "undo" when that begins.
VISOR_SDK_EXPORT std::vector<Value> run_transaction(Client& client, const std::vector<Step>& steps,
                                                    const CallContext& call,
                                                    std::chrono::milliseconds undo_limit = default_undo_limit);

}  // namespace visor::sdk::qmp

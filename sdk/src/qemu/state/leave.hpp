// SPDX-License-Identifier: Apache-2.0
// A live VM's state, on its way out of QEMU.
#pragma once
#include "visor/core/call.hpp"
#include "visor/sdk/qmp/commands/migration.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visor::sdk {

class QemuVm;

/// Asks whether the VM can give its state away now, and changes nothing. `what` names the operation ("be saved").
/// True when its vCPUs run. Throws unsupported naming what stands in the way, invalid_state, busy, and as
/// qmp::Client::call().
bool check_can_leave(QemuVm& vm, qmp::Client& client, std::string_view what, const CallContext& call);

/// What is kept of a call's time to undo what it has done: at least a second for each step, also after a deadline that
/// leaves less, since a guest that was left standing still is worse than an answer that is late.
struct Reserve {
  explicit Reserve(const CallContext& call);
  CallContext work;                ///< the rest of it
  std::chrono::milliseconds part;  ///< for each of at most two steps of an undo
};

/// After a failure: sees to it that no migration runs, over a new connection if that was lost. How the last one ended;
/// nothing when that could not be found out or brought about in time, which is logged. [blocks ≤ limit]
std::optional<qmp::MigrationPhase> call_off(QemuVm& vm, std::chrono::milliseconds limit) noexcept;

/// The guest stands still while this lives, and then runs on if it ran.
class Standstill {
 public:
  /// Pauses it. `undo` is how long it may take to let it run again after a failure.
  Standstill(QemuVm& vm, qmp::Client& client, bool runs, std::chrono::milliseconds undo, const CallContext& call);
  Standstill(const Standstill&) = delete;
  Standstill& operator=(const Standstill&) = delete;
  /// Lets it run again if end() did not; what goes wrong is logged.
  ~Standstill();
  /// Lets it run again. Throws as qmp::Client::call().
  void end(qmp::Client& client, const CallContext& call);
  /// It is to stay as it is.
  void keep() noexcept { runs_ = false; }

 private:
  /// Of a guest that may stand still already.
  Standstill(QemuVm& vm, std::chrono::milliseconds undo) : vm_{vm}, runs_{true}, undo_{undo} {}

  QemuVm& vm_;
  bool runs_;
  std::chrono::milliseconds undo_;
};

/// Has QEMU write its state into a descriptor, which stays the caller's. Throws as qmp::send_migration(), and exhausted
/// when there is no room for it.
qmp::MigrationStatus send_state(qmp::Client& client, int fd, qmp::MigrationPlan plan, const Reserve& reserve);

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/events.hpp"
#include "visor/core/vm_state.hpp"
#include "visor/sdk/export.h"
#include "visor/sdk/qmp/client.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace visor::sdk::qmp {

/// What came of an unplug, and why.
struct UnplugReport {
  UnplugOutcome outcome = UnplugOutcome::pending;
  std::string reason;  ///< one sentence
};

/// Asks for a device's removal and waits until it is known what came of it. [any thread] [blocks until the deadline]
///
///   gone     QEMU said so for this id, or does not have it (any more): asking again for one that went is no failure
///   refused  the guest said no, or QEMU (this kind cannot be removed, say); it may be tried again
///   pending  no word by the deadline. The guest may still let go: PendingUnplugs hears of it. Asking again is legal
///
/// A guest that is busy with an earlier request is asked again until the deadline. Before refused or pending is
/// returned QEMU is asked for its devices. With QEMU's own hotplug of PCI on x86 a machine that does not run, or whose
/// guest has no driver for it, gives no word ever, except at a reset. Throws as Client::call() when the session ends or
/// the call is cancelled, and timeout when by the deadline nobody was asked: it had passed before, or QEMU reads
/// nothing.
VISOR_SDK_EXPORT UnplugReport unplug(Client& client, const std::string& id, const CallContext& call);

/// The same, and when it is gone, these commands remove what stood behind it, a block node say. What QEMU does not have
/// is no failure. One still in use is tried again until the deadline, since an emulated guest may hold on to a device
/// that is gone; then pending is returned. Throws hypervisor_error when QEMU refuses otherwise.
VISOR_SDK_EXPORT UnplugReport unplug(Client& client, const std::string& id, const std::vector<Command>& behind,
                                     const CallContext& call);

/// What became of the unplugs of one machine, also after their calls have ended. [any thread]
class VISOR_SDK_EXPORT PendingUnplugs {
 public:
  /// As qmp::unplug(), and keeps the outcome. [blocks until the deadline] When it throws and nobody was asked, what was
  /// known before stays known.
  UnplugReport unplug(Client& client, const std::string& id, const CallContext& call);
  /// Takes in an event; all events of the machine are to come here (ClientOptions::on_event).
  void hear(const Event& event);
  /// Asks a new session for the devices, since events between sessions are lost. [blocks] Throws as Client::call().
  void resync(Client& client, const CallContext& call);

  /// What is known of a device's last unplug; nothing when there was none.
  [[nodiscard]] std::optional<UnplugReport> find(const std::string& id) const;
  /// The devices that may still go.
  [[nodiscard]] std::vector<std::string> pending() const;
  /// Drops what is known of it: when it was plugged again, say.
  void forget(const std::string& id);

 private:
  /// Takes back the entry of a request that was never made.
  void restore(const std::string& id, std::optional<UnplugReport> before);

  mutable std::mutex mutex_;
  std::map<std::string, UnplugReport> reports_;
};

}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "mconsole.hpp"
#include "visor/sdk/io_thread.hpp"
#include "visor/sdk/process/keeper.hpp"
#include "visor/sdk/process/process_identity.hpp"
#include "visor/sdk/vm_tracker.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>

namespace uml {

/// A handle's connection to a live VM: it tells the tracker how the VM ends, and ends it when the keeper asks. What it
/// hears comes on the SDK's I/O thread, so nothing in here waits.
class Link {
 public:
  /// Watches through the VM's keeper; `keeper` has said hello.
  Link(visor::sdk::Keeper keeper, Mconsole mconsole, std::shared_ptr<visor::sdk::VmTracker> tracker);
  /// Watches a VM whose keeper died, by its process alone.
  Link(visor::sdk::Pidfd process, Mconsole mconsole, std::shared_ptr<visor::sdk::VmTracker> tracker);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  /// Closes the session, which ends the VM when it is ephemeral or its start is not finished.
  ~Link();

  /// Null when the keeper was dead from the start.
  [[nodiscard]] visor::sdk::Keeper* keeper() noexcept { return keeper_ ? &*keeper_ : nullptr; }
  /// How long the guest gets to power itself off, when the keeper asks to end the VM, before it is halted. Empty: three
  /// quarters of the time that the keeper gives.
  void set_guest_grace(std::optional<std::chrono::milliseconds> grace) noexcept;
  /// Whether the guest had its time and was halted.
  [[nodiscard]] bool halted() const noexcept { return halted_; }

 private:
  void on_keeper();
  void on_keeper_lost();
  void on_stop_request(std::chrono::milliseconds grace);
  void watch_process(visor::sdk::Pidfd process);

  Mconsole mconsole_;
  std::shared_ptr<visor::sdk::VmTracker> tracker_;
  std::shared_ptr<visor::sdk::IoThread> io_ = visor::sdk::IoThread::shared();
  std::optional<visor::sdk::Keeper> keeper_;
  std::optional<visor::sdk::Pidfd> process_;
  std::atomic<std::int64_t> guest_grace_ms_{-1};
  std::atomic<bool> halted_{false};
  visor::sdk::Timer halt_timer_;
  visor::sdk::FdWatch keeper_watch_;
  visor::sdk::FdWatch process_watch_;
};

}  // namespace uml

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "driver.hpp"
#include "visor/sdk/io_thread.hpp"
#include "visor/sdk/process/keeper.hpp"
#include "visor/sdk/qmp/client.hpp"
#include "visor/sdk/vm_tracker.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace visor::sdk {

/// A handle's connections to a live VM: to its keeper and, for the owner, to QEMU's monitor. It feeds the tracker.
class Session {
 public:
  /// Watches through a keeper; `keeper` has said hello. An owner's session answers stop requests.
  Session(std::shared_ptr<const Driver> driver, std::string id, std::shared_ptr<VmTracker> tracker, Keeper keeper);
  /// Watches a VM whose keeper died, by its process alone.
  Session(std::shared_ptr<const Driver> driver, std::string id, std::shared_ptr<VmTracker> tracker, Pidfd hypervisor);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  /// Connects to the owner's monitor. [blocks]
  void connect_monitor(const std::string& path, const CallContext& call);
  /// Feeds the tracker from the keeper's journal instead of a monitor of its own. [blocks]
  void follow_journal(std::uint64_t from, const CallContext& call);

  [[nodiscard]] bool has_monitor() const noexcept { return client_ != nullptr; }
  /// Throws disconnected when there is none.
  [[nodiscard]] qmp::Client& client() const;
  [[nodiscard]] Keeper* keeper() noexcept { return keeper_ ? &*keeper_ : nullptr; }

 private:
  void on_keeper_readable();
  void on_keeper_lost();
  void on_hypervisor_gone();
  void on_journal_readable();
  void on_stop_request(std::chrono::milliseconds grace);
  void watch_process(Pidfd hypervisor);

  std::shared_ptr<const Driver> driver_;
  std::string id_;
  std::shared_ptr<VmTracker> tracker_;
  std::shared_ptr<IoThread> io_ = IoThread::shared();
  std::optional<Keeper> keeper_;
  std::optional<Pidfd> hypervisor_;
  std::optional<JournalStream> journal_;
  std::unique_ptr<qmp::Client> client_;
  Timer quit_timer_;
  FdWatch keeper_watch_;
  FdWatch process_watch_;
  FdWatch journal_watch_;
};

}  // namespace visor::sdk

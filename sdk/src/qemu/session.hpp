// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "driver.hpp"
#include "event_feed.hpp"
#include "monitor_totals.hpp"
#include "probe.hpp"
#include "visor/sdk/io_thread.hpp"
#include "visor/sdk/process/keeper.hpp"
#include "visor/sdk/qmp/client.hpp"
#include "visor/sdk/qmp/unplug.hpp"
#include "visor/sdk/vm_tracker.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace visor::sdk {

/// What all sessions of one handle share.
struct SessionContext {
  std::shared_ptr<const Driver> driver;
  std::string id;
  std::filesystem::path run_dir;
  std::shared_ptr<VmTracker> tracker;
  std::shared_ptr<EventFeed> feed;
  std::shared_ptr<MonitorTotals> totals;
  std::shared_ptr<qmp::PendingUnplugs> unplugs;
  PolicyConfig policy = {};
};

/// How every monitor of a VM is connected, the owner's and an observer's: what it is called, its log, and the VM's end
/// as the cause of its loss.
qmp::ClientOptions client_options(const SessionContext& context);

/// A handle's connections to a live VM: to its keeper and, for the owner, to QEMU's monitor. It feeds the tracker.
class Session {
 public:
  /// Watches through a keeper; `keeper` has said hello. An owner's session answers stop requests.
  Session(SessionContext context, Keeper keeper);
  /// Watches a VM whose keeper died, by its process alone.
  Session(SessionContext context, Pidfd hypervisor);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  /// Connects to the owner's monitor, again when the connection was lost. [blocks]
  void connect_monitor(const std::string& path, const CallContext& call);
  /// Feeds the tracker from the keeper's journal instead of a monitor of its own. [blocks]
  void follow_journal(std::uint64_t from, const CallContext& call);

  /// Stops feeding the tracker from the journal, before another session feeds it.
  void leave_journal();
  /// Stops feeding the tracker at all: when this returns, nothing is on its way to it. [blocks a moment]
  void quiesce();

  [[nodiscard]] bool has_monitor() const noexcept { return monitor() != nullptr; }
  /// There is a monitor, but its connection has ended.
  [[nodiscard]] bool lost_monitor() const;
  /// Throws disconnected when there is none.
  [[nodiscard]] std::shared_ptr<qmp::Client> client() const;
  [[nodiscard]] Keeper* keeper() noexcept { return keeper_ ? &*keeper_ : nullptr; }

 private:
  void on_responsive(bool responsive);
  void on_keeper_readable();
  void on_helper_exited(HelperExit helper);
  void tell_helpers();
  void follow_shutdown(const Event& event);
  void end_what_only_paused(const Event& event);
  void on_keeper_lost();
  void on_unwitnessed_end();
  void on_journal_readable();
  void on_stop_request(std::chrono::milliseconds grace);
  void watch_process(Pidfd hypervisor);
  void tell_unwitnessed_end();
  [[nodiscard]] std::shared_ptr<qmp::Client> monitor() const noexcept;

  SessionContext context_;
  std::shared_ptr<IoThread> io_ = IoThread::shared();
  std::optional<Keeper> keeper_;
  std::optional<Pidfd> hypervisor_;
  std::optional<JournalStream> journal_;
  mutable std::mutex mutex_;  // guards client_
  std::shared_ptr<qmp::Client> client_;
  bool ended_ = false;  // these four are the I/O thread's
  bool quiet_ = false;
  bool shutting_down_ = false;
  std::vector<HelperExit> ended_helpers_;
  Probe probe_;
  Timer quit_timer_;
  Timer last_words_timer_;
  Timer helpers_timer_;
  FdWatch keeper_watch_;
  FdWatch process_watch_;
  FdWatch journal_watch_;
};

}  // namespace visor::sdk

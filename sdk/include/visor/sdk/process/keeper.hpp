// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/sdk/export.h"
#include "visor/sdk/process/exit_record.hpp"
#include "visor/sdk/process/process_identity.hpp"
#include "visor/sdk/process/spec.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visor::sdk {

namespace wire {
class Message;
}

struct LaunchOptions {
  std::string keeper_path;  ///< the visor-keeper binary
  std::string run_dir;      ///< exists, belongs to the caller, writable by nobody else; one keeper a folder
  CallContext call;         ///< for the whole launch
};

/// A process in the care of a keeper.
struct KeptProcess {
  std::string name;
  ProcessIdentity identity;
  std::optional<ExitStatus> exit;  ///< empty: alive
};

enum class KeeperRole : std::uint8_t {
  owner,     ///< asked first when somebody wants to stop the VM; one at a time
  observer,  ///< only told about the end
};

struct OwnerInfo {
  pid_t pid = 0;
  std::string operation;  ///< what it said it was doing
};

struct KeeperStatus {
  ProcessIdentity keeper;
  std::vector<KeptProcess> processes;  ///< main first, then helpers in their order
  bool committed = false;
  bool ephemeral = false;
  bool adopted = false;
  bool stopping = false;
  std::optional<OwnerInfo> owner;
  bool console_connected = false;
  std::uint64_t console_bytes = 0;  ///< read from the console so far
  std::uint32_t console_clients = 0;
  std::uint64_t journal_first = 0;  ///< oldest sequence number still held
  std::uint64_t journal_next = 0;   ///< sequence number of the line to come
};

/// The lines that the keeper still held.
struct Journal {
  std::vector<JournalEntry> entries;
  std::uint64_t next = 0;  ///< ask from here the next time
  std::uint64_t lost = 0;  ///< lines asked for that were dropped before
};

struct StopOptions {
  /// Ask the connected owner first; without one, or with `false`, SIGTERM comes at once.
  bool ask_owner = true;
  std::chrono::milliseconds owner_answer{2000};  ///< for the owner to acknowledge
  std::chrono::milliseconds grace{20000};        ///< for the owner to finish, once it has acknowledged
  std::chrono::milliseconds term{3000};          ///< from SIGTERM to SIGKILL
};

/// A message of the keeper that nobody asked for.
struct KeeperEvent {
  enum class Kind : std::uint8_t {
    stop_request,   ///< to the owner: acknowledge_stop(), then end the VM within `grace`
    helper_exited,  ///< see `helper`; the main process lives
    exited,         ///< all is over and reaped, the sockets are gone; see `exit`
    disconnected,   ///< the keeper is gone without a word: it died
  };
  Kind kind = Kind::disconnected;
  pid_t requester = 0;                 ///< stop_request
  std::chrono::milliseconds grace{0};  ///< stop_request
  std::optional<HelperExit> helper;
  std::optional<ExitRecord> exit;
};

/// A session with a keeper. Destroying it closes the session, which ends what was launched and not committed, or
/// ephemeral; everything else runs on.
///
/// The session (fd, events, hello, commit) is for one thread at a time, except that acknowledge_stop(),
/// set_operation(), commit() and set_ephemeral() may be called from any thread while another reads events. The requests
/// (status, journal, stderr_tail, stop, kill) use connections of their own: [any thread], also beside each other. After
/// fork without exec, a child's copy holds the session open.
class VISOR_SDK_EXPORT Keeper {
 public:
  /// Starts a keeper, and through it the helpers and the main process. When it returns, all have passed exec.
  /// When it throws, nothing is left running. [any thread] [blocks ≤ deadline, then a moment for cleaning up]
  /// The calling program may have any number of threads and any signal set-up; neither matters nor changes.
  /// Errors: invalid_config (spec; path too long); not_found (keeper, binary); permission_denied; busy (another keeper
  /// holds the folder); timeout; cancelled; io_error; each naming the process and the stage ("exec", "setgid", …).
  static Keeper launch(const KeeperSpec& spec, const LaunchOptions& options);

  /// Starts a new keeper for processes that outlived theirs. How they end will read `unknown`. Starts out committed.
  /// Errors: as launch(); not_found when the main process is gone.
  static Keeper adopt(const AdoptSpec& spec, const LaunchOptions& options);

  /// A session with the keeper of a run folder. [blocks ≤ deadline]
  /// Errors: not_found (no keeper was here), disconnected (it died and left its socket), exhausted (it lives, but has
  /// no session left), permission_denied, timeout, cancelled.
  static Keeper attach(const std::string& run_dir, const CallContext& call);

  Keeper(Keeper&&) noexcept;
  Keeper& operator=(Keeper&&) noexcept;
  ~Keeper();

  [[nodiscard]] const ProcessIdentity& identity() const noexcept { return identity_; }
  /// As they were at launch, adopt or attach: main first, then helpers.
  [[nodiscard]] const std::vector<KeptProcess>& processes() const noexcept { return processes_; }
  [[nodiscard]] const KeptProcess& main_process() const noexcept { return processes_.front(); }
  [[nodiscard]] const std::string& run_dir() const noexcept { return run_dir_; }

  /// Registers this session. Only before events are read by another thread. [blocks ≤ deadline]
  /// Errors: busy (there is an owner; the message has its pid and operation), disconnected, timeout,
  /// cancelled.
  void hello(KeeperRole role, std::string_view operation, const CallContext& call);
  /// Tells what the owner is doing now, for other processes to see. Silently nothing when the keeper is gone.
  void set_operation(std::string_view operation);
  /// The start is finished: closing this session no longer ends the processes, unless they are ephemeral.
  /// Errors: disconnected.
  void commit();
  /// True binds the life of the processes to this session; false lets them outlive it. Errors: disconnected.
  void set_ephemeral(bool ephemeral);
  /// Answers a stop_request: the owner ends the VM itself. Silently nothing when the keeper is gone.
  void acknowledge_stop();

  /// The session's descriptor: readable when an event waits. Only poll it.
  [[nodiscard]] int fd() const noexcept { return session_.get(); }
  /// The next event if there is one. `exited` and `disconnected` are final. [does not block]
  std::optional<KeeperEvent> poll_event();
  /// The next event; empty when the deadline came first. [blocks ≤ deadline]
  std::optional<KeeperEvent> wait_event(Deadline deadline);

  /// [blocks ≤ deadline] Errors of all requests: disconnected (the keeper is gone), exhausted (as attach),
  /// timeout, cancelled.
  [[nodiscard]] KeeperStatus status(const CallContext& call) const;
  /// The lines from `from` on (1: all). [blocks ≤ deadline]
  [[nodiscard]] Journal journal(std::uint64_t from, const CallContext& call) const;
  /// The newest bytes of a process's captured stderr, 64 KiB at most. Empty name: main. [blocks ≤ deadline]
  [[nodiscard]] std::string stderr_tail(std::string_view process, const CallContext& call) const;
  /// Ends the main process (owner → SIGTERM → SIGKILL) and waits until all is over. When it is over already, returns
  /// its record. A deadline that passes, or a cancellation, does not call the stop off. [blocks ≤ deadline]
  ExitRecord stop(const StopOptions& options, const CallContext& call) const;
  /// SIGKILL now; otherwise as stop(). [blocks ≤ deadline]
  ExitRecord kill(const CallContext& call) const;

 private:
  Keeper() = default;
  static Keeper start(const std::string& order, const std::vector<int>& host_fds, const LaunchOptions& options);
  void keep_events(const std::vector<wire::Message>& messages);
  void notify(const wire::Message& message) const;
  [[nodiscard]] ExitRecord end(const wire::Message& request, const CallContext& call) const;

  UniqueFd session_;
  UniqueFd pidfd_;  // of the keeper when it is our child
  ProcessIdentity identity_;
  std::vector<KeptProcess> processes_;
  std::string run_dir_;
  std::vector<KeeperEvent> early_;  // events that came while a reply was awaited
};

/// A live view of the journal on a connection of its own, for one thread at a time.
class VISOR_SDK_EXPORT JournalStream {
 public:
  /// [blocks ≤ deadline] Errors: not_found, disconnected, exhausted (as attach), timeout, cancelled.
  static JournalStream open(const std::string& run_dir, std::uint64_t from, const CallContext& call);

  [[nodiscard]] int fd() const noexcept { return socket_.get(); }
  /// The next line; empty when the deadline came first. [blocks ≤ deadline] Errors: disconnected (also at the end).
  std::optional<JournalEntry> next(Deadline deadline);
  /// Lines that this reader was too slow for.
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }

 private:
  UniqueFd socket_;
  std::uint64_t lost_ = 0;
};

/// A stream socket to the guest's console: first the history the keeper holds, then live bytes; what is written goes to
/// the guest. A reader that is too slow finds a line "[visor: N bytes skipped]". The socket does not block.
/// [blocks ≤ deadline] Errors: not_found (no keeper, or no console), disconnected, permission_denied, timeout,
/// cancelled.
VISOR_SDK_EXPORT UniqueFd connect_console(const std::string& run_dir, const CallContext& call);

/// Files of a run folder.
VISOR_SDK_EXPORT std::string keeper_socket_path(const std::string& run_dir);
VISOR_SDK_EXPORT std::string console_socket_path(const std::string& run_dir);
VISOR_SDK_EXPORT std::string exit_record_path(const std::string& run_dir);

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/events.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/core/value.hpp"
#include "visor/sdk/export.h"
#include "visor/sdk/io_thread.hpp"
#include "visor/sdk/qmp/latency.hpp"
#include "visor/sdk/qmp/log.hpp"
#include "visor/sdk/qmp/types.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visor::sdk::qmp {

/// One QMP command.
struct Command {
  std::string name;
  Value arguments = {};      ///< a map, or null for none
  bool out_of_band = false;  ///< exec-oob: overtakes the queue; only few commands allow it
  int fd = -1;               ///< sent along; only with getfd and add-fd. The call duplicates it; it stays the caller's
};

/// Runs exactly once on the I/O thread; must be short and not block. Sending further commands from it is fine.
using Completion = std::function<void(Outcome)>;

/// Names a call for cancel(). Never used twice in a session.
using CallId = std::uint64_t;

/// Which event is waited for.
struct EventMatch {
  std::string name;                                ///< "DEVICE_DELETED"
  std::function<bool(const Event&)> accepts = {};  ///< runs on the waiting thread; none takes the first of that name
};

/// A command's value and the event that it caused.
struct ValueAndEvent {
  Value value;
  Event event;
};

/// How a client behaves. The callbacks run on the I/O thread, one at a time, and none after the client's destructor has
/// returned; loss_cause alone may be asked until the blocking calls that were under way have returned.
struct ClientOptions {
  std::string peer = "QEMU";                   ///< who is meant in messages: the name of the virtual machine, say
  std::shared_ptr<IoThread> io = {};           ///< null takes IoThread::shared()
  Version minimum_version = {5, 0, 0};         ///< an older QEMU is refused with unsupported
  bool out_of_band = true;                     ///< enable it when QEMU offers it
  std::size_t max_message_bytes = 16U << 20U;  ///< a longer one from QEMU ends the session
  std::size_t max_queued_bytes = 16U << 20U;   ///< unsent bytes; a command beyond is refused with exhausted
  std::size_t max_unanswered = 4096;           ///< commands sent and not answered; one more is refused with exhausted
  std::shared_ptr<QmpLog> log = {};            ///< null logs nothing

  /// Every event, in order, also those that come before QEMU is ready. Its kind is EventKind::other.
  std::function<void(const Event&)> on_event = {};
  /// Once, when a ready session ended for any reason; by then every call has failed. Never if connect() throws.
  std::function<void(const QmpError&)> on_lost = {};
  /// Says why the peer is gone ("QEMU exited with status 1: no such file"), empty when unknown; it is added to the
  /// errors of lost calls. It may wait until the given time for the answer to be known. That time has passed already
  /// when it is asked on the I/O thread. Blocking calls ask it on their own threads, so several may ask at once.
  std::function<std::string(Deadline)> loss_cause = {};
  std::chrono::milliseconds cause_wait{500};  ///< how long a blocking call waits for that, within its own deadline
};

/// A QMP session with one QEMU: it never hangs and never loses or crosses an answer.
///
/// [any thread] All methods may be called at the same time. Those marked [blocks] return or throw by the deadline of
/// their context, and throw wrong_thread on the I/O thread. They throw Error with
///   hypervisor_error   QEMU refused; the message has the command, QEMU's class and its words
///   timeout      the deadline passed. A command not yet sent is withdrawn; the answer to one that was sent is dropped
///                and counted when it comes, and the session lives on
///   cancelled    the same, by the caller's wish
///   disconnected the session ended or ends; every call pending then fails so, exactly once, with the cause if known
///   exhausted    too much is unsent or unanswered, or too many descriptors are on their way
/// A session that has ended stays ended: connect again with a new one.
class VISOR_SDK_EXPORT Client {
 public:
  /// Connects to a listening socket and negotiates. [blocks] When this returns, QEMU has built its machine: only its
  /// answer to qmp_capabilities proves that, the greeting does not. Ask query-status next, since QEMU throws away
  /// the events of the time before. Throws also not_found, permission_denied and invalid_config (path too long),
  /// disconnected when nobody listens, and unsupported when QEMU is too old.
  static std::unique_ptr<Client> connect(const std::string& path, ClientOptions options, const CallContext& call);
  /// The same over a connected stream socket, which the client owns from now on, also when this throws.
  static std::unique_ptr<Client> connect(UniqueFd socket, ClientOptions options, const CallContext& call);

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  /// As shutdown(), and returns when the last callback has run: each call still pending gets its completion, then comes
  /// on_lost. It waits for a callback that runs now: do not hold a lock that one takes. A callback may destroy the
  /// client, also before the method, or run_batch(), that led to it has returned on another thread: all others have
  /// then run inside of the destructor, nested in that callback, and none of this client runs after it.
  ~Client();

  /// Sends a command and waits for its answer. [blocks]
  Value execute(std::string_view command, const CallContext& call);
  Value execute(std::string_view command, Value arguments, const CallContext& call);
  /// The same; what goes wrong with the command is returned, not thrown, with QEMU's error class. [blocks]
  Outcome call(const Command& command, const CallContext& call);
  /// Sends a command and returns at once; calls made one after the other are sent in that order, and QEMU answers
  /// them in order (not so with out_of_band). The completion gets every failure, also that of a session which ended.
  CallId call_async(const Command& command, Deadline deadline, Completion completion);
  /// Ends a call early, with cancelled. False when it had ended already.
  bool cancel(CallId id);
  /// The same, but only if nothing of the command was or is being sent: QEMU then never sees it. False otherwise.
  bool withdraw(CallId id);

  /// Events from now on, in a bounded queue of the caller's own; it is closed when the session ends. Only these names,
  /// or all when none is given. Letting go of the queue ends the subscription.
  std::shared_ptr<EventQueue> subscribe(std::vector<std::string> names = {},
                                        std::size_t capacity = EventQueue::default_capacity);
  /// The next event that matches. [blocks] To wait for what a command causes use call_and_wait().
  Event wait_for_event(const EventMatch& match, const CallContext& call);
  /// Sends a command and waits for its answer and for an event, whichever comes first; an error answer ends it at
  /// once. [blocks]
  ValueAndEvent call_and_wait(const Command& command, const EventMatch& match, const CallContext& call);

  /// Ends the session now: pending calls fail with disconnected, queues close, QEMU sees its client go. It does not
  /// block and may be called in any state, on any thread, and again.
  void shutdown() noexcept;

  [[nodiscard]] State state() const noexcept;
  [[nodiscard]] Version version() const;
  [[nodiscard]] bool out_of_band() const noexcept;  ///< whether exec-oob may be used
  /// Why the session ended; nothing while it lives.
  [[nodiscard]] std::optional<QmpError> failure() const;
  [[nodiscard]] Counters counters() const;
  /// How long the answers took that reached their call: from its being made to their being read.
  [[nodiscard]] LatencyHistogram latency() const;
  /// For how long QEMU has owed an answer without giving any; zero when it owes none. A live QEMU answers within
  /// milliseconds, except while it dumps or loads memory.
  [[nodiscard]] std::chrono::milliseconds unanswered_for() const;
  [[nodiscard]] const std::shared_ptr<IoThread>& io() const noexcept;

 private:
  friend struct BatchAccess;  // run_batch() holds the connection, as the methods do
  class Connection;
  explicit Client(std::shared_ptr<Connection> connection) noexcept;
  static Event wait_for(Connection& connection, EventQueue& queue, const EventMatch& match, const CallContext& call);
  std::shared_ptr<Connection> connection_;
};

}  // namespace visor::sdk::qmp

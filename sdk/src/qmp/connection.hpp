// SPDX-License-Identifier: Apache-2.0
// A session on a socket: moves bytes, serialises the session, runs callbacks. Everything that is called back runs on
// the I/O thread, in dispatch(), on_timer(), run_deferred() or end(), and never with the mutex held. A callback may
// destroy the client, which calls end() inside of it: what is still to run then is in due_, and runs there.
#pragma once
#include "session.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace visor::sdk::qmp {

class Client::Connection : public std::enable_shared_from_this<Client::Connection> {
 public:
  Connection(UniqueFd socket, ClientOptions options);

  /// Starts reading. `negotiated` gets null when the session is ready, or why it will not be.
  void open(Completion negotiated);
  /// The session has its user, who hears of its end from now on. False when it has ended already.
  bool adopt();
  /// Throws wrong_thread on the I/O thread, and invalid_state in a forked child.
  void check_may_block(const std::string& what) const;

  /// As the methods of Client.
  Outcome call(const Command& command, const CallContext& call);
  CallId call_async(const Command& command, Deadline deadline, Completion completion);

  std::variant<CallId, QmpError> submit(const Command& command, Deadline deadline, Completion&& completion);
  /// Ends a call early. Its completion is dropped, the error handed out; nothing when it had ended.
  std::optional<QmpError> give_up(CallId id, Errc why);
  /// Ends a call early; its completion runs.
  bool cancel(CallId id);
  /// The same for a call of which nothing was sent.
  bool withdraw(CallId id);
  /// Runs a completion on the I/O thread.
  void defer(Completion completion, Outcome outcome);
  std::shared_ptr<EventQueue> subscribe(std::vector<std::string> names, std::size_t capacity);

  void shutdown() noexcept;
  /// shutdown(), and returns when the last callback has run, or all but the one that calls this.
  void close() noexcept;

  /// The error of something that the end of the session cut short, with the cause if it is known by `until`.
  [[nodiscard]] QmpError disconnected(const std::string& what, Deadline until);
  /// Until when a call may wait for the cause of a loss to become known.
  [[nodiscard]] Deadline cause_deadline(const CallContext& call) const;
  /// Adds the cause of the end to an error that lacks it.
  void explain(QmpError& error, Deadline until);

  /// Reads of the session under the mutex.
  template <class F>
  auto read(F&& function) const {
    const std::scoped_lock lock{mutex_};
    return function(session_);
  }
  [[nodiscard]] Counters counters() const;
  [[nodiscard]] const ClientOptions& options() const noexcept { return options_; }

 private:
  struct Subscription {
    std::weak_ptr<EventQueue> queue;
    std::vector<std::string> names;
  };

  void flush();
  void flush_later();
  void fail_descriptor(std::unique_lock<std::mutex>& lock, CallId id, int failure);
  void on_readable();
  void read_socket();
  void on_timer();
  bool dispatch(Message&& message);
  void publish(const Event& event);
  void run(Session::Finished&& finished) noexcept;
  void run_due() noexcept;
  bool finish_early(std::optional<Session::Finished>&& finished);
  [[nodiscard]] bool logs(LogLevel level) const noexcept { return options_.log && options_.log->enabled(level); }
  void log_queued(const Command& command, CallId id) noexcept;
  void log_end(const Session::Finished& finished, std::size_t bytes) noexcept;
  void log_stray(const Session::Stray& stray) noexcept;
  void log_event(const Event& event) noexcept;
  void log_ready() noexcept;
  void log_failure(const QmpError& failure) noexcept;
  void run_deferred();
  void arm_timer();
  void end(QmpError reason) noexcept;
  void fail_calls(QmpError reason) noexcept;
  void report_end() noexcept;
  [[nodiscard]] QmpError broken(std::string_view doing, int error) const;
  void close_socket_if_idle() noexcept;
  void ended_writing(std::unique_lock<std::mutex>& lock, int failure);
  std::string find_cause(Deadline until);
  std::vector<std::shared_ptr<EventQueue>> receivers(const Event& event, bool all);

  const ClientOptions options_;

  mutable std::mutex mutex_;  // guards all below; never held during a system call that waits, or a callback
  Session session_;
  UniqueFd socket_;
  FdWatch watch_;
  Timer timer_;
  Deadline timer_set_ = Deadline::max();
  bool writing_ = false;  // some thread is in sendmsg, on the bytes of the session's outbox
  bool blocked_ = false;  // the socket is full, and the watch will tell; or the kernel was, and the timer will
  Deadline retry_at_ = Deadline::max();
  bool finished_ = false;
  bool adopted_ = false;
  std::string cause_;  // found once, kept
  std::vector<Subscription> subscriptions_;
  std::vector<Session::Finished> deferred_;
  std::uint64_t dropped_ = 0;
  std::uint64_t callback_failures_ = 0;

  // Of the I/O thread alone.
  Decoder decoder_;
  Completion negotiated_;
  std::deque<Session::Finished> due_;  // have their outcome, and run next
  bool reported_ = false;              // report_end() has begun
  bool corked_ = false;  // what callbacks send goes out in one write, after the bytes at hand are dealt with
};

}  // namespace visor::sdk::qmp

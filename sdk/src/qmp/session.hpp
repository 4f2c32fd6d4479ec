// SPDX-License-Identifier: Apache-2.0
// The QMP state machine: what was asked, what is owed, what each object from the peer means. No I/O, no clock, no
// locks: the connection serialises all access and does what an Action says.
#pragma once
#include "codec.hpp"
#include "outbox.hpp"
#include "visor/sdk/qmp/client.hpp"
#include "visor/sdk/qmp/latency.hpp"

#include <map>
#include <optional>
#include <unordered_map>
#include <variant>
#include <vector>

namespace visor::sdk::qmp {

struct SessionConfig {
  std::string peer = "QEMU";
  Version minimum_version = {};
  bool out_of_band = true;
  std::size_t max_queued_bytes = 16U << 20U;
  std::size_t max_unanswered = 4096;
};

class Session {
 public:
  using Time = Deadline;

  /// What a call was, for the log.
  struct Exchange {
    CallId id = 0;
    std::string command = {};
    Time begun = {};
    bool secret = false;  ///< its answer must not be shown
  };
  /// A call that has its outcome; run by the connection, outside any lock.
  struct Finished {
    Completion completion;
    Outcome outcome;
    Exchange exchange = {};
  };
  struct Ready {};
  /// An answer that no call waits for, for the log.
  struct Stray {
    CallId id = 0;                      ///< 0 when it had none
    std::optional<Finished> late = {};  ///< what it would have been, for a call that had ended; else nothing asked it
  };
  /// What an object from the peer makes necessary: nothing, run this, publish this, now ready, end the session so, or
  /// note this.
  using Action = std::variant<std::monostate, Finished, Event, Ready, QmpError, Stray>;

  explicit Session(SessionConfig config) : config_{std::move(config)} {}

  // --- calls
  /// Queues a command. Returns its id, or why it is refused; the completion is then untouched.
  std::variant<CallId, QmpError> submit(const Command& command, UniqueFd fd, Time deadline, Completion&& completion,
                                        Time now);
  /// Ends a call before its answer; nothing when it has ended already. why: timeout or cancelled.
  std::optional<Finished> abandon(CallId id, Errc why);
  /// Ends a call as cancelled, but only if nothing of it was or is being sent.
  std::optional<Finished> withdraw(CallId id);
  /// Ends a call of which nothing can be sent, and says why.
  std::optional<Finished> refuse(CallId id, Errc code, const std::string& why);
  /// Ends the calls whose deadline has passed.
  std::vector<Finished> expire(Time now);
  /// The earliest deadline of a call; Deadline::max() when there is none.
  [[nodiscard]] Time next_deadline() const noexcept;

  // --- bytes out
  /// What the socket shall take next; empty when nothing.
  [[nodiscard]] Outbox::Batch begin_write();
  /// How much of it the socket took. Answers may have been received since begin_write().
  void end_write(std::size_t bytes);
  void drop_output() noexcept { outbox_.clear(); }

  // --- objects in
  Action receive(Message&& message, Time now);

  // --- the end
  /// From now on the end is this side's wish.
  void begin_closing() noexcept;
  /// Fails every call. A session that is closing becomes closed, any other failed. Only the first end counts.
  std::vector<Finished> end(QmpError reason);
  /// Why nothing can be asked any more; after end().
  [[nodiscard]] const std::optional<QmpError>& failure() const noexcept { return failure_; }
  /// The error of a call that finds or found the session ended.
  [[nodiscard]] QmpError disconnected(const std::string& what) const;

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] bool ended() const noexcept { return state_ == State::closed || state_ == State::failed; }
  [[nodiscard]] const Version& version() const noexcept { return version_; }
  [[nodiscard]] bool out_of_band() const noexcept { return out_of_band_; }
  [[nodiscard]] const SessionConfig& config() const noexcept { return config_; }
  /// Since when the peer owes an answer and gave none; nothing when it owes none.
  [[nodiscard]] std::optional<Time> silent_since() const noexcept;
  Counters counters;
  LatencyHistogram latency;  ///< of the answers that reached their call

 private:
  struct Pending {
    Completion completion;
    Exchange exchange;
    Time deadline;
  };

  [[nodiscard]] QmpError unsent(const std::string& command, Errc code, const std::string& why) const;
  std::optional<QmpError> refusal(const Command& command, bool has_fd, Time deadline, Time now) const;
  CallId enqueue(std::string line, UniqueFd fd, Time now);
  Action greeted(Greeting&& greeting, Time now);
  Action replied(Reply&& reply, Time now);
  Action negotiated(const Reply& reply);
  [[nodiscard]] std::string unanswered(const std::string& command, Errc why, bool sent) const;
  [[nodiscard]] Outcome outcome_of(const std::string& command, Reply&& reply) const;
  [[nodiscard]] QmpError refused_by_peer(const std::string& command, const Reply& reply) const;
  Pending take(std::map<CallId, Pending>::iterator call);

  SessionConfig config_;
  State state_ = State::awaiting_greeting;
  Version version_;
  bool out_of_band_ = false;
  std::optional<QmpError> failure_;

  Outbox outbox_;
  CallId last_id_ = 0;
  CallId negotiation_ = 0;  // of qmp_capabilities
  CallId fd_call_ = 0;      // the peer keeps one descriptor until it runs the command: a second would replace it
  CallId fd_begun_ = 0;     // the one that the present write begins
  std::map<CallId, Pending> pending_;  // in order, so that a lost session fails its calls in the order they were made
  std::unordered_map<CallId, Exchange> owed_;  // sent, given up, not answered
  std::multimap<Time, CallId> deadlines_;
  Time heard_{};  // the last answer, or when it began to owe one
};

}  // namespace visor::sdk::qmp

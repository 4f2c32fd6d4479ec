// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/batch.hpp"

#include "connection.hpp"
#include "visor/core/error.hpp"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace visor::sdk::qmp {

/// What lies behind a client. A callback may destroy the client while a batch is under way.
struct BatchAccess {
  using Connection = Client::Connection;
  static std::shared_ptr<Connection> connection(const Client& client) { return client.connection_; }
};

namespace {

using Connection = BatchAccess::Connection;

/// A pipelined batch under way. Shared with the completions, which may come after the caller has left; all have come
/// when the connection is destroyed.
class Pipeline : public std::enable_shared_from_this<Pipeline> {
 public:
  Pipeline(Connection& connection, const std::vector<Command>& commands)
      : connection_{connection}, commands_{commands}, outcomes_(commands.size()), missing_{commands.size()} {}

  /// Sends what there is, until something has failed.
  void send(Deadline deadline) {
    for (std::size_t i = 0; i < commands_.size(); ++i) {
      if (failed()) return withdraw_from(i);
      const auto id = connection_.call_async(commands_[i], deadline, [self = shared_from_this(), i](Outcome outcome) {
        self->put(i, std::move(outcome));
      });
      if (note(id)) connection_.withdraw(id);
    }
  }
  void wake() {
    const std::scoped_lock lock{mutex_};
    woken_ = true;
    changed_.notify_all();
  }
  void wait(Deadline deadline) {
    std::unique_lock lock{mutex_};
    changed_.wait_until(lock, deadline, [&] { return missing_ == 0 || woken_; });
  }
  void cancel() {
    for (const auto id : ids_after(0)) connection_.cancel(id);
  }
  /// What has arrived; `late` for the rest.
  std::vector<Outcome> take(Errc late) {
    const std::scoped_lock lock{mutex_};
    std::vector<Outcome> taken;
    taken.reserve(outcomes_.size());
    for (std::size_t i = 0; i < outcomes_.size(); ++i) {
      taken.push_back(outcomes_[i] ? *std::move(outcomes_[i])
                                   : QmpError{late, "The answer to " + commands_[i].name + " came too late"});
    }
    return taken;
  }

 private:
  /// On the I/O thread. What a failure makes void is withdrawn here, before that thread sends what was held back.
  void put(std::size_t index, Outcome outcome) {
    bool first_failure = false;
    {
      const std::scoped_lock lock{mutex_};
      first_failure = !outcome.ok() && !std::exchange(failed_, true);
      outcomes_[index] = std::move(outcome);
      --missing_;
      changed_.notify_all();
    }
    if (!first_failure) return;
    for (const auto id : ids_after(index + 1)) connection_.withdraw(id);  // does nothing to what was sent
  }
  void withdraw_from(std::size_t first) {
    const std::scoped_lock lock{mutex_};
    for (auto i = first; i < outcomes_.size(); ++i) {
      outcomes_[i] = QmpError{
          .code = Errc::cancelled, .message = "Cancelled " + commands_[i].name + " before it was sent", .unsent = true};
      --missing_;
    }
  }
  /// Whether the batch has failed before this call was known.
  bool note(CallId id) {
    const std::scoped_lock lock{mutex_};
    ids_.push_back(id);
    return failed_;
  }
  [[nodiscard]] bool failed() {
    const std::scoped_lock lock{mutex_};
    return failed_;
  }
  [[nodiscard]] std::vector<CallId> ids_after(std::size_t first) {
    const std::scoped_lock lock{mutex_};
    return {ids_.begin() + static_cast<std::ptrdiff_t>(std::min(first, ids_.size())), ids_.end()};
  }

  Connection& connection_;                // calls put(), and is held by the caller for the other methods
  const std::vector<Command>& commands_;  // the caller's, used in its own calls alone
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<CallId> ids_;
  std::vector<std::optional<Outcome>> outcomes_;
  std::size_t missing_;
  bool failed_ = false;
  bool woken_ = false;
};

BatchResult result_of(std::vector<Outcome> outcomes) {
  BatchResult result{std::move(outcomes), std::nullopt};
  for (std::size_t i = 0; i < result.outcomes.size() && !result.failed; ++i) {
    if (!result.outcomes[i].ok()) result.failed = i;
  }
  return result;
}

BatchResult run_in_order(Connection& connection, const std::vector<Command>& commands, const CallContext& call) {
  std::vector<Outcome> outcomes;
  for (const auto& command : commands) {
    outcomes.push_back(connection.call(command, call));
    if (!outcomes.back().ok()) break;
  }
  return result_of(std::move(outcomes));
}

BatchResult run_pipelined(Connection& connection, const std::vector<Command>& commands, const CallContext& call) {
  const auto pipeline = std::make_shared<Pipeline>(connection, commands);
  const CancelCallback wake{call.cancel(), [pipeline] { pipeline->wake(); }};
  pipeline->send(call.deadline());
  pipeline->wait(call.deadline());
  const bool cancelled = call.cancel().cancelled();
  if (cancelled) pipeline->cancel();
  return result_of(pipeline->take(cancelled ? Errc::cancelled : Errc::timeout));
}

}  // namespace

void BatchResult::check() const {
  if (failed) outcomes[*failed].error()->raise();
}

BatchResult run_batch(Client& client, const std::vector<Command>& commands, BatchMode mode, const CallContext& call) {
  const auto connection = BatchAccess::connection(client);
  connection->check_may_block("run a batch of commands");
  return mode == BatchMode::in_order ? run_in_order(*connection, commands, call)
                                     : run_pipelined(*connection, commands, call);
}

}  // namespace visor::sdk::qmp

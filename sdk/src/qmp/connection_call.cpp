// SPDX-License-Identifier: Apache-2.0
// The calls of a connection as a client's user makes them.
#include "connection.hpp"
#include "visor/core/error.hpp"
#include "waiter.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace visor::sdk::qmp {
namespace {

QmpError unsent(Errc code, std::string message) {
  return {.code = code, .message = std::move(message), .unsent = true};
}

}  // namespace

Deadline Client::Connection::cause_deadline(const CallContext& call) const {
  return std::min(call.deadline(), std::chrono::steady_clock::now() + options_.cause_wait);
}

Outcome Client::Connection::call(const Command& command, const CallContext& call) {
  check_may_block("wait for " + command.name);
  if (call.cancel().cancelled()) return unsent(Errc::cancelled, "Cancelled " + command.name + " before it was sent");
  if (call.expired()) return unsent(Errc::timeout, "The time was up before " + command.name + " was sent");
  const auto waiter = std::make_shared<Waiter>();
  // Its deadline is kept here; the timer of the I/O thread is for calls that nobody waits for.
  auto submitted =
      submit(command, Deadline::max(), [waiter](Outcome outcome) { waiter->complete(std::move(outcome)); });
  auto* const refusal = std::get_if<QmpError>(&submitted);
  auto result = refusal ? std::variant<Outcome, Errc>{Outcome{std::move(*refusal)}} : Waiter::wait(waiter, call);
  if (const auto* const why = std::get_if<Errc>(&result)) {
    auto error = give_up(std::get<CallId>(submitted), *why);
    if (error) return *std::move(error);
    // The outcome is there: it is on its way from the I/O thread to the waiter, but the time is up.
    return QmpError{*why, "The answer to " + command.name + " came too late"};
  }
  auto& outcome = std::get<Outcome>(result);
  if (outcome.ok() || outcome.error()->code != Errc::disconnected) return std::move(outcome);
  auto error = *outcome.error();
  explain(error, cause_deadline(call));
  return error;
}

CallId Client::Connection::call_async(const Command& command, Deadline deadline, Completion completion) {
  auto submitted = submit(command, deadline, std::move(completion));
  if (const auto* const id = std::get_if<CallId>(&submitted)) return *id;
  // When refused, the completion is untouched.
  defer(std::move(completion), std::get<QmpError>(std::move(submitted)));  // NOLINT(bugprone-use-after-move)
  return 0;
}

}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/transaction.hpp"

#include "remove.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/qmp/unplug.hpp"
#include "waiter.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <ranges>
#include <utility>

namespace visor::sdk::qmp {
namespace {

constexpr std::chrono::milliseconds least_undo_time{100};

/// A step that was begun.
struct Begun {
  const Step* step = nullptr;
  CallId id = 0;
  std::shared_ptr<Waiter> answer = {};  // null: it is known to be done
};

/// "blockdev-del node-d0"
std::string name_of(const Command& command) {
  for (const auto* const key : {"id", "node-name", "fdname"}) {
    const auto* const value = command.arguments.find(key);
    if (value && value->is_string()) return command.name + " " + value->as_string();
  }
  return command.name;
}

class Run {
 public:
  Run(Client& client, std::chrono::milliseconds undo_limit) : client_{client}, undo_limit_{undo_limit} {}

  Value apply(const Step& step, const CallContext& call);
  /// Takes back what was begun; returns what could not be, for the message.
  std::string undo();

 private:
  std::optional<QmpError> undo(const Begun& begun, Deadline deadline);
  bool was_done(const Begun& begun, Deadline deadline);

  Client& client_;
  std::chrono::milliseconds undo_limit_;
  std::vector<Begun> begun_;
};

Value Run::apply(const Step& step, const CallContext& call) {
  call.check(step.command.name);
  const auto answer = std::make_shared<Waiter>();
  const auto id = client_.call_async(step.command, Deadline::max(),
                                     [answer](Outcome outcome) { answer->complete(std::move(outcome)); });
  auto result = Waiter::wait(answer, call);
  if (const auto* const why = std::get_if<Errc>(&result)) {
    begun_.push_back({&step, id, answer});
    const auto* const what = *why == Errc::cancelled ? "Cancelled " : "QEMU did not answer in time: ";
    throw Error(*why, what + name_of(step.command));
  }
  auto outcome = std::get<Outcome>(std::move(result));
  // Asked in the blocking way the error has the cause of the loss.
  const auto* const error = outcome.error();
  if (error && error->code == Errc::disconnected && !call.expired()) outcome = client_.call(step.command, call);
  auto value = std::move(outcome).value();
  begun_.push_back({&step});
  return value;
}

/// Whether a step has to be taken back.
bool Run::was_done(const Begun& begun, Deadline deadline) {
  if (!begun.answer) return true;
  if (client_.withdraw(begun.id)) return false;  // QEMU never sees it
  const auto result = Waiter::wait(begun.answer, CallContext{deadline, {}});
  if (const auto* const outcome = std::get_if<Outcome>(&result)) return outcome->ok();
  if (client_.withdraw(begun.id)) return false;  // a write was under way above, and took nothing of it
  client_.cancel(begun.id);
  return true;
}

std::optional<QmpError> Run::undo(const Begun& begun, Deadline deadline) {
  const auto& command = begun.step->undo;
  if (!was_done(begun, deadline) || command.name.empty()) return std::nullopt;
  const CallContext call{std::max(deadline, std::chrono::steady_clock::now() + least_undo_time), {}};
  if (command.name == "device_del") {
    const auto report = unplug(client_, command.arguments.at("id").as_string(), call);
    if (report.outcome == UnplugOutcome::gone) return std::nullopt;
    return QmpError{Errc::busy, report.reason};
  }
  return remove(client_, command, call);
}

std::string Run::undo() {
  const auto deadline = std::chrono::steady_clock::now() + undo_limit_;
  std::string left;
  for (const auto& begun : std::views::reverse(begun_)) {
    std::optional<QmpError> error;
    try {
      error = undo(begun, deadline);
    } catch (const Error& thrown) {
      error = QmpError{thrown.code(), thrown.message()};
    }
    if (error) left += (left.empty() ? "" : "; ") + name_of(begun.step->undo) + " (" + error->message + ")";
  }
  return left;
}

}  // namespace

UndoError::UndoError(const UndoError&) = default;
UndoError::~UndoError() = default;

std::vector<Value> run_transaction(Client& client, const std::vector<Step>& steps, const CallContext& call,
                                   std::chrono::milliseconds undo_limit) {
  if (client.io()->on_this_thread()) throw Error(Errc::wrong_thread, "Cannot run a transaction on the I/O thread");
  Run run{client, undo_limit};
  std::vector<Value> values;
  values.reserve(steps.size());
  try {
    for (const auto& step : steps) values.push_back(run.apply(step, call));
  } catch (const Error& error) {
    call.report("undo", 0, steps.size());
    const auto left = run.undo();
    if (left.empty()) throw;
    throw UndoError(error.code(), error.message() + "; this could not be undone: " + left);
  } catch (...) {
    (void)run.undo();
    throw;
  }
  return values;
}

}  // namespace visor::sdk::qmp

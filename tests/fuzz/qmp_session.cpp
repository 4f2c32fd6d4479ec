// SPDX-License-Identifier: Apache-2.0
// The QMP state machine under any order of calls, deadlines, writes and answers: every call ends exactly once, and
// after the end nothing is owed.
#include "fuzz.hpp"
#include "qmp/session.hpp"

#include <map>

namespace {

using namespace visor::sdk::qmp;
using namespace std::chrono_literals;
using visor::fuzz::require;

class Driver {
 public:
  explicit Driver(FuzzedDataProvider& input) : input_{input} {}

  void run() {
    while (input_.remaining_bytes() > 0 && !session_.ended()) step();
    finish(session_.end({.code = visor::Errc::disconnected, .message = "over"}));
    for (const auto& [call, ends] : ends_) require(ends == 1, "a call ends exactly once");
    require(!session_.silent_since() || session_.ended(), "only an ended session may be left owing");
    require(session_.next_deadline() == visor::Deadline::max(), "no deadline is left");
  }

 private:
  void step() {
    switch (input_.ConsumeIntegralInRange(0, 7)) {
      case 0:
        submit();
        break;
      case 1:
        write();
        break;
      case 2:
        abandon();
        break;
      case 3:
        expire();
        break;
      case 4:
        answer();
        break;
      case 5:
        receive(input_.ConsumeRandomLengthString(200));
        break;
      case 6:
        receive(R"({"QMP":{"version":{"qemu":{"micro":1,"minor":2,"major":7}},"capabilities":["oob"]}})");
        break;
      default:
        close();
        break;
    }
  }

  void submit() {
    const auto number = calls_++;
    const Command command{.name = input_.ConsumeBool() ? "query-status" : "migrate_cancel",
                          .out_of_band = input_.ConsumeBool()};
    const auto deadline = now_ + std::chrono::milliseconds{input_.ConsumeIntegralInRange(-1, 50)};
    const auto result = session_.submit(
        command, visor::UniqueFd{}, deadline, [this, number](const Outcome&) { ++ends_[number]; }, now_);
    if (std::holds_alternative<CallId>(result)) {
      ends_.emplace(number, 0);
      last_id_ = std::get<CallId>(result);
    }
  }

  void write() {
    const auto batch = session_.begin_write();
    std::size_t size = 0;
    for (std::size_t i = 0; i < batch.count; ++i) size += batch.parts.at(i).iov_len;
    if (input_.ConsumeBool()) abandon();  // an answer or an end may come during a write
    if (batch.count > 0) session_.end_write(input_.ConsumeIntegralInRange<std::size_t>(0, size));
  }

  void abandon() {
    auto ended = session_.abandon(input_.ConsumeIntegralInRange<CallId>(0, last_id_ + 1), visor::Errc::cancelled);
    if (ended) ended->completion(std::move(ended->outcome));
  }

  void expire() {
    now_ += std::chrono::milliseconds{input_.ConsumeIntegralInRange(0, 50)};
    finish(session_.expire(now_));
  }

  void answer() {
    const auto id = std::to_string(input_.ConsumeIntegralInRange<CallId>(0, last_id_ + 1));
    receive(input_.ConsumeBool() ? R"({"return":{},"id":)" + id + "}"
                                 : R"({"error":{"class":"GenericError","desc":"no"},"id":)" + id + "}");
  }

  void receive(std::string_view bytes) {
    std::optional<QmpError> end;
    const auto broken = decoder_.feed(bytes, [&](Message&& message) {
      auto action = session_.receive(std::move(message), now_);
      if (auto* finished = std::get_if<Session::Finished>(&action)) {
        finished->completion(std::move(finished->outcome));
      }
      if (auto* error = std::get_if<QmpError>(&action)) end = *error;
      return !end;
    });
    if (broken) end = QmpError{.code = visor::Errc::disconnected, .message = *broken};
    if (end) finish(session_.end(*end));
  }

  void close() {
    session_.begin_closing();
    session_.drop_output();
    finish(session_.end({.code = visor::Errc::disconnected, .message = "closed"}));
  }

  static void finish(std::vector<Session::Finished> calls) {
    for (auto& call : calls) call.completion(std::move(call.outcome));
  }

  FuzzedDataProvider& input_;
  Session session_{{.peer = "vm0", .minimum_version = {5, 0, 0}, .max_queued_bytes = 2048, .max_unanswered = 8}};
  Decoder decoder_{4096};
  Session::Time now_{1s};
  CallId last_id_ = 0;
  int calls_ = 0;
  std::map<int, int> ends_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input{data, size};
  Driver{input}.run();
  return 0;
}

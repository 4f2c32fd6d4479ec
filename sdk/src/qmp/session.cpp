// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

#include "log_text.hpp"

#include <utility>

namespace visor::sdk::qmp {
namespace {

/// Text of a peer inside a message of ours: one line, no control characters, bounded.
std::string printable(std::string_view text) {
  constexpr std::size_t longest = 2048;
  std::string result{text.substr(0, longest)};
  for (char& c : result) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  return result;
}

}  // namespace

// ------------------------------------------------------------------------------------------------------------ calls

QmpError Session::unsent(const std::string& command, Errc code, const std::string& why) const {
  return {.code = code, .message = "Cannot send " + command + " to " + config_.peer + ": " + why, .unsent = true};
}

std::optional<QmpError> Session::refusal(const Command& command, bool has_fd, Time deadline, Time now) const {
  const auto refuse = [&](Errc code, const std::string& why) { return unsent(command.name, code, why); };
  if (ended() || state_ == State::closing) {
    auto error = disconnected("Cannot send " + command.name);
    error.unsent = true;
    return error;
  }
  if (state_ != State::ready) {
    return refuse(Errc::invalid_state, "the session is " + std::string{to_string(state_)} + ", not ready");
  }
  if (command.name.empty()) return refuse(Errc::invalid_config, "it has no name");
  if (const auto& arguments = command.arguments; !arguments.is_null() && !arguments.is_map()) {
    return refuse(Errc::invalid_config,
                  "its arguments are " + std::string{to_string(arguments.kind())} + ", not a map");
  }
  if (command.out_of_band && !out_of_band_) return refuse(Errc::unsupported, "it did not offer out-of-band commands");
  if (has_fd && command.name != "getfd" && command.name != "add-fd") {
    return refuse(Errc::invalid_config, "only getfd and add-fd take a descriptor");
  }
  if (pending_.size() + owed_.size() >= config_.max_unanswered) {
    return refuse(Errc::exhausted, std::to_string(config_.max_unanswered) + " commands are unanswered");
  }
  if (deadline <= now) return refuse(Errc::timeout, "its deadline has passed");
  return std::nullopt;
}

std::variant<CallId, QmpError> Session::submit(const Command& command, UniqueFd fd, Time deadline,
                                               Completion&& completion, Time now) {
  if (auto why = refusal(command, static_cast<bool>(fd), deadline, now)) return *std::move(why);
  auto line = encode(command.name, command.arguments, command.out_of_band, last_id_ + 1);
  if (outbox_.size() + line.size() > config_.max_queued_bytes) {
    return unsent(command.name, Errc::exhausted,
                  "more than " + std::to_string(config_.max_queued_bytes) + " bytes would be unsent");
  }
  const auto id = enqueue(std::move(line), std::move(fd), now);
  pending_.emplace(id, Pending{std::move(completion), {id, command.name, now, hides_answer(command)}, deadline});
  if (deadline != Time::max()) deadlines_.emplace(deadline, id);
  return id;
}

CallId Session::enqueue(std::string line, UniqueFd fd, Time now) {
  if (!silent_since()) heard_ = now;
  const auto id = ++last_id_;
  outbox_.push({id, std::move(line), std::move(fd)});
  return id;
}

Session::Pending Session::take(std::map<CallId, Pending>::iterator call) {
  auto [first, last] = deadlines_.equal_range(call->second.deadline);
  for (; first != last; ++first) {
    if (first->second != call->first) continue;
    deadlines_.erase(first);
    break;
  }
  auto pending = std::move(call->second);
  pending_.erase(call);
  return pending;
}

std::optional<Session::Finished> Session::abandon(CallId id, Errc why) {
  const auto call = pending_.find(id);
  if (call == pending_.end()) return std::nullopt;
  auto pending = take(call);
  const bool sent = outbox_.withdraw(id) != Outbox::Withdrawal::done;
  if (sent) owed_.emplace(id, pending.exchange);
  counters.withdrawn += sent ? 0U : 1U;
  ++(why == Errc::cancelled ? counters.cancelled : counters.timed_out);
  QmpError error{.code = why, .message = unanswered(pending.exchange.command, why, sent), .unsent = !sent};
  return Finished{std::move(pending.completion), std::move(error), std::move(pending.exchange)};
}

std::string Session::unanswered(const std::string& command, Errc why, bool sent) const {
  if (why == Errc::cancelled) {
    return "Cancelled " + command + (sent ? "; " + config_.peer + " may still do it" : " before it was sent");
  }
  return sent ? config_.peer + " did not answer " + command + " in time"
              : config_.peer + " took no input in time; " + command + " was not sent";
}

std::optional<Session::Finished> Session::withdraw(CallId id) {
  return outbox_.untouched(id) ? abandon(id, Errc::cancelled) : std::nullopt;
}

std::optional<Session::Finished> Session::refuse(CallId id, Errc code, const std::string& why) {
  const auto call = pending_.find(id);
  if (call == pending_.end()) return std::nullopt;  // given up meanwhile, and withdrawn by the end of the write
  (void)outbox_.withdraw(id);
  auto pending = take(call);
  auto error = unsent(pending.exchange.command, code, why);
  return Finished{std::move(pending.completion), std::move(error), std::move(pending.exchange)};
}

std::vector<Session::Finished> Session::expire(Time now) {
  std::vector<Finished> expired;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    if (auto finished = abandon(deadlines_.begin()->second, Errc::timeout)) expired.push_back(*std::move(finished));
  }
  return expired;
}

Session::Time Session::next_deadline() const noexcept {
  return deadlines_.empty() ? Time::max() : deadlines_.begin()->first;
}

Outbox::Batch Session::begin_write() {
  auto batch = outbox_.begin(fd_call_ == 0);
  fd_begun_ = batch.fd_line;
  if (fd_begun_ != 0) fd_call_ = fd_begun_;
  return batch;
}

void Session::end_write(std::size_t bytes) {
  const auto committed = outbox_.commit(bytes);
  counters.sent += committed.lines;
  counters.bytes_out += bytes;
  if (bytes == 0 && fd_begun_ != 0) fd_call_ = 0;  // it still lies here
  for (const auto id : committed.withdrawn) {
    owed_.erase(id);
    ++counters.withdrawn;
  }
}

std::optional<Session::Time> Session::silent_since() const noexcept {
  if (pending_.empty() && owed_.empty() && negotiation_ == 0) return std::nullopt;
  return heard_;
}

// ------------------------------------------------------------------------------------------------------- objects in

Session::Action Session::receive(Message&& message, Time now) {
  if (auto* const event = std::get_if<Event>(&message)) {
    ++counters.events;
    return std::move(*event);
  }
  if (auto* const greeting = std::get_if<Greeting>(&message); greeting && state_ == State::awaiting_greeting) {
    return greeted(std::move(*greeting), now);
  }
  if (auto* const reply = std::get_if<Reply>(&message)) return replied(std::move(*reply), now);
  ++counters.unknown_objects;
  return {};
}

Session::Action Session::greeted(Greeting&& greeting, Time now) {
  version_ = std::move(greeting.version);
  if (version_ < config_.minimum_version) {
    return QmpError{Errc::unsupported, config_.peer + " is too old: it is version " + to_string(version_) + ", and " +
                                           to_string(config_.minimum_version) + " or newer is needed"};
  }
  state_ = State::negotiating;
  out_of_band_ = config_.out_of_band && greeting.offers("oob");
  const auto arguments = out_of_band_ ? Value::map({{"enable", Value::list({"oob"})}}) : Value{};
  negotiation_ = enqueue(encode("qmp_capabilities", arguments, false, last_id_ + 1), {}, now);
  return {};
}

Session::Action Session::replied(Reply&& reply, Time now) {
  if (!reply.has_id && reply.is_error) {
    // Without an id it is about the stream: the peer could not read what was sent, and will not answer it either.
    return QmpError{Errc::disconnected, config_.peer + " could not read a command: " + printable(reply.description)};
  }
  const auto id = reply.id.value_or(0);
  if (id != 0 && id == fd_call_) fd_call_ = 0;
  if (id != 0 && id == negotiation_) return negotiated(reply);
  if (auto owed = owed_.extract(id)) {
    heard_ = now;
    ++counters.late;
    auto outcome = outcome_of(owed.mapped().command, std::move(reply));
    return Stray{id, Finished{{}, std::move(outcome), std::move(owed.mapped())}};
  }
  const auto call = pending_.find(id);
  if (call == pending_.end()) {
    ++counters.unknown_ids;
    return Stray{id};
  }
  heard_ = now;
  ++counters.replied;
  auto pending = take(call);
  latency.add(now - pending.exchange.begun);
  counters.errors += reply.is_error ? 1U : 0U;
  auto outcome = outcome_of(pending.exchange.command, std::move(reply));
  return Finished{std::move(pending.completion), std::move(outcome), std::move(pending.exchange)};
}

Session::Action Session::negotiated(const Reply& reply) {
  negotiation_ = 0;
  if (reply.is_error) return refused_by_peer("qmp_capabilities", reply);
  state_ = State::ready;
  return Ready{};
}

Outcome Session::outcome_of(const std::string& command, Reply&& reply) const {
  if (reply.is_error) return refused_by_peer(command, reply);
  return std::move(reply.value);
}

QmpError Session::refused_by_peer(const std::string& command, const Reply& reply) const {
  auto description = printable(reply.description);
  return {Errc::hypervisor_error,
          config_.peer + " refused " + command + ": " + (description.empty() ? "it gave no reason" : description) +
              " (" + (reply.class_name.empty() ? "no class" : printable(reply.class_name)) + ")",
          reply.error_class, std::move(description)};
}

// ---------------------------------------------------------------------------------------------------------- the end

void Session::begin_closing() noexcept {
  if (!ended()) state_ = State::closing;
}

std::vector<Session::Finished> Session::end(QmpError reason) {
  std::vector<Finished> failed;
  if (ended()) return failed;
  if (reason.code == Errc::disconnected && state_ == State::awaiting_greeting) reason.message += " before its greeting";
  if (reason.code == Errc::disconnected && state_ == State::negotiating) reason.message += " before it was ready";
  state_ = state_ == State::closing ? State::closed : State::failed;
  failure_ = std::move(reason);
  failed.reserve(pending_.size());
  for (auto& [id, call] : pending_) {
    auto error = disconnected("No answer to " + call.exchange.command);
    failed.push_back({std::move(call.completion), std::move(error), std::move(call.exchange)});
  }
  pending_.clear();
  deadlines_.clear();
  owed_.clear();
  negotiation_ = 0;
  return failed;
}

QmpError Session::disconnected(const std::string& what) const {
  return {Errc::disconnected, what + ": " + (failure_ ? failure_->message : "the QMP session is shutting down")};
}

}  // namespace visor::sdk::qmp

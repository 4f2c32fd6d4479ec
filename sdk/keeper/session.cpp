// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

#include "record_codec.hpp"
#include "unix_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

namespace visor::keeper {
namespace {

using sdk::wire::Message;

constexpr std::size_t max_operation = 256;
constexpr std::uint64_t max_wait_ms = 3'600'000;

Milliseconds wait_of(const Message& request, std::string_view key, std::uint64_t fallback) {
  return Milliseconds(std::min(request.number(key, fallback), max_wait_ms));
}

}  // namespace

Session::Session(Control& control, UniqueFd socket)
    : control_{control},
      socket_{std::move(socket)},
      peer_{sdk::wire::peer_of(socket_.get()).pid},
      watch_{std::in_place, control.loop_, socket_.get(), EPOLLIN, *this} {}

void Session::close() {
  watch_.reset();
  socket_.reset();
  queue_.clear();
}

void Session::on_ready(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) {
    flush();
    pump_journal();
  }
  if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) receive();
}

void Session::receive() {
  std::array<char, sdk::wire::max_request> buffer;
  const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return close();
  if (static_cast<std::size_t>(got) > buffer.size()) return refuse({}, "invalid_config", "The request is too long");
  const auto request = Message::parse({buffer.data(), static_cast<std::size_t>(got)});
  if (!request) return refuse({}, "invalid_config", "The request is no message");
  handle(*request);
}

void Session::send(const Message& message) {
  if (closed() || deaf_) return;
  queue_.push_back(message.encode());
  flush();
}

void Session::flush() {
  while (!closed() && !queue_.empty()) {
    const auto& text = queue_.front();
    if (::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
      if (errno == EAGAIN || errno == EINTR) break;
      // What the peer sent before it left still counts (commit, then close): keep reading up to the end.
      deaf_ = true;
      journal_.reset();
      queue_.clear();
      break;
    }
    queue_.pop_front();
  }
  if (!closed()) watch_->want(queue_.empty() ? EPOLLIN : EPOLLOUT);
}

Message Session::reply(std::string_view verb, const Message& request) const {
  Message message(verb);
  message.add("id", request.number("id"));
  return message;
}

void Session::refuse(const Message& request, std::string_view code, std::string_view text) {
  send(reply("error", request).add("code", code).add("text", text));
}

void Session::handle(const Message& request) {
  const auto& verb = request.verb();
  if (verb == "hello") return hello(request);
  if (verb == "status") {
    auto message = control_.service_.status("status");
    return send(message.add("id", request.number("id")));
  }
  if (verb == "journal") return start_journal(request);
  if (verb == "stderr") return send_stderr(request);
  if (!handle_life(request)) refuse(request, "unsupported", "Unknown request '" + verb + "'");
}

bool Session::handle_life(const Message& request) {
  auto& service = control_.service_;
  const auto& verb = request.verb();
  if (verb == "commit") {
    service.commit();
  } else if (verb == "ephemeral") {
    const bool on = request.number("on") != 0;
    if (on) control_.set_lifeline(this);
    service.set_ephemeral(on);
  } else if (verb == "operation") {
    operation_ = request.get("text").substr(0, max_operation);
  } else if (verb == "ack") {
    if (owner_) service.owner_acknowledged();
  } else if (verb == "kill") {
    send(reply("stopping", request));
    service.kill();
  } else if (verb == "stop") {
    send(reply("stopping", request));
    service.stop({request.number("ask_owner", 1) != 0, wait_of(request, "owner_ms", 2000),
                  wait_of(request, "grace_ms", 20'000), wait_of(request, "term_ms", 3000), peer_});
  } else {
    return false;
  }
  return true;
}

void Session::hello(const Message& request) {
  const bool wants_owner = request.get("role") == "owner";
  if (const auto* owner = control_.owner(); wants_owner && owner != nullptr && owner != this) {
    return refuse(request, "busy",
                  "Process " + std::to_string(owner->peer()) + " owns it (" + owner->operation() + ")");
  }
  owner_ = wants_owner;
  operation_ = request.get("operation").substr(0, max_operation);
  send(reply("welcome", request).add("protocol", std::uint64_t{1}));
}

void Session::send_stderr(const Message& request) {
  const auto tail = control_.service_.stderr_tail(request.get("process"));
  if (!tail) return refuse(request, "not_found", "No process '" + std::string{request.get("process")} + "'");
  send(reply("stderr", request).body(*tail));
}

void Session::start_journal(const Message& request) {
  const auto from = std::clamp<std::uint64_t>(request.number("from"), 1, control_.journal_.next());
  journal_ = JournalRead{request.number("id"), from, 0, request.number("follow") != 0, false};
  pump_journal();
}

void Session::pump_journal() {
  const auto& journal = control_.journal_;
  while (journal_ && queue_.empty() && !closed()) {
    auto& read = *journal_;
    if (read.at < journal.first()) {
      read.lost += journal.first() - read.at;
      read.at = journal.first();
    }
    if (read.at >= journal.next()) return end_journal();
    Message message("line");
    message.add("id", read.id).add("lost", std::exchange(read.lost, 0));
    send(message.body(sdk::wire::encode_line(journal.at(read.at++))));
  }
}

void Session::end_journal() {
  auto& read = *journal_;
  if (read.caught_up) return;
  read.caught_up = true;
  Message message("end");
  message.add("id", read.id).add("next", read.at).add("lost", std::exchange(read.lost, 0));
  if (!read.follow) journal_.reset();
  send(message);
}

}  // namespace visor::keeper

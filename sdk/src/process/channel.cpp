// SPDX-License-Identifier: Apache-2.0
#include "channel.hpp"

#include "record_codec.hpp"
#include "unix_socket.hpp"
#include "visor/core/error.hpp"
#include "wait.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

namespace visor::sdk {
namespace {

constexpr std::chrono::milliseconds full_queue_pause{1};

Errc code_named(std::string_view name) noexcept {
  constexpr std::array known = {Errc::invalid_config, Errc::not_found, Errc::unsupported, Errc::busy, Errc::exhausted};
  const auto* found = std::find_if(known.begin(), known.end(), [name](Errc code) { return to_string(code) == name; });
  return found == known.end() ? Errc::internal : *found;
}

Error gone() { return Error(Errc::disconnected, "The keeper is gone"); }

}  // namespace

void check_refusal(const wire::Message& message) {
  if (message.verb() != "error") return;
  throw Error(code_named(message.get("code")), std::string{message.get("text")});
}

UniqueFd connect_keeper(const std::string& path, int type, const CallContext& call) {
  check_socket_path(path);
  for (;;) {
    auto result = wire::connect_unix(path, type);
    if (result.error == 0) {
      if (wire::peer_trusted(result.fd.get())) return std::move(result.fd);
      throw Error(Errc::permission_denied, "Another user listens at '" + path + "'");
    }
    if (result.error == ECONNREFUSED) {
      throw Error(Errc::disconnected, "Nobody listens at '" + path + "': its keeper died");
    }
    if (result.error != EAGAIN) throw system_error("Cannot connect to '" + path + "'", result.error);
    call.check("the keeper at '" + path + "' to accept a connection");
    // A full accept queue cannot be polled for (EAGAIN of connect in unix(7)).
    std::this_thread::sleep_for(full_queue_pause);
  }
}

void send_message(int fd, const wire::Message& message, const CallContext& call) {
  const auto text = message.encode();
  for (;;) {
    if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) throw gone();
    wait_for(fd, POLLOUT, "the keeper to take a request", call);
  }
}

void send_request(int fd, const wire::Message& message, const CallContext& call) try {
  send_message(fd, message, call);
} catch (const Error& error) {
  if (error.code() != Errc::disconnected) throw;
  while (const auto last = receive_message(fd).message) check_refusal(*last);
  throw;
}

namespace {

Received look_for_message(int fd, int flags) {
  for (;;) {
    // On this socket type the length of a peek is the length of the whole message.
    const auto size = ::recv(fd, nullptr, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    // A peer that closed with our request unread: what it sent before is still to come.
    if (size < 0 && (errno == EINTR || errno == ECONNRESET)) continue;
    if (size < 0 && errno == EAGAIN) return {};
    if (size <= 0) return {std::nullopt, true};
    std::string text(static_cast<std::size_t>(size), '\0');
    const auto got = ::recv(fd, text.data(), text.size(), MSG_DONTWAIT | flags);
    if (got <= 0) continue;  // another thread took it
    if (auto message = wire::Message::parse(text)) return {std::move(message), false};
    if (flags != 0) return {};  // it is still there
  }
}

}  // namespace

Received receive_message(int fd) { return look_for_message(fd, 0); }

Received peek_message(int fd) { return look_for_message(fd, MSG_PEEK); }

Received await_message(int fd, const CallContext& call, std::string_view what) {
  for (;;) {
    auto received = receive_message(fd);
    if (received.message || received.end) return received;
    wait_for(fd, POLLIN, "the keeper to answer (" + std::string{what} + ")", call);
  }
}

wire::Message await_reply(int fd, const CallContext& call, std::string_view what, std::vector<wire::Message>* others) {
  for (;;) {
    auto received = await_message(fd, call, what);
    if (received.end) throw gone();
    auto& message = *received.message;
    if (message.get("id") == "1") {
      check_refusal(message);
      return std::move(message);
    }
    if (others != nullptr) others->push_back(std::move(message));
  }
}

std::optional<KeeperEvent> parse_event(const wire::Message& message) {
  KeeperEvent event;
  if (message.verb() == "stop-request") {
    event.kind = KeeperEvent::Kind::stop_request;
    event.requester = static_cast<pid_t>(message.number("requester"));
    event.grace = std::chrono::milliseconds(message.number("grace_ms"));
  } else if (message.verb() == "helper-exited") {
    event.kind = KeeperEvent::Kind::helper_exited;
    event.helper = wire::parse_helper_exit(message.get("helper"));
  } else if (auto record = wire::parse_record(message)) {
    event.kind = KeeperEvent::Kind::exited;
    event.exit = std::move(record);
  } else {
    return std::nullopt;
  }
  return event;
}

std::vector<KeptProcess> parse_processes(const wire::Message& message) {
  std::vector<KeptProcess> processes;
  for (auto text : message.all("process")) {
    auto& process = processes.emplace_back();
    process.name = wire::take_word(text);
    process.identity = wire::take_identity(text);
    process.exit = wire::parse_status(text);
  }
  return processes;
}

}  // namespace visor::sdk

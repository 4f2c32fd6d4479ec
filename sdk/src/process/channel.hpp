// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "message.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/sdk/process/keeper.hpp"

#include <optional>
#include <string>
#include <vector>

namespace visor::sdk {

/// What one look at a session found.
struct Received {
  std::optional<wire::Message> message;
  bool end = false;  ///< the keeper closed it
};

/// A non-blocking connection to a socket of a keeper of the same user. [blocks ≤ deadline]
/// Errors: not_found (no socket), disconnected (nobody listens), permission_denied, timeout, cancelled, io_error.
UniqueFd connect_keeper(const std::string& path, int type, const CallContext& call);

/// [blocks ≤ deadline, and only when the socket is full] Errors: disconnected, timeout, cancelled.
void send_message(int fd, const wire::Message& message, const CallContext& call);

/// The same for the first message of a connection: a keeper that has closed it already may have said why.
void send_request(int fd, const wire::Message& message, const CallContext& call);

/// Throws what the keeper refused with, when the message is a refusal.
void check_refusal(const wire::Message& message);

/// Takes one message if there is one; skips what is no message. [does not block]
Received receive_message(int fd);
/// The same, but leaves it there.
Received peek_message(int fd);

/// Waits for one message or the end. [blocks ≤ deadline] Errors: timeout, cancelled, saying that `what` did not come.
Received await_message(int fd, const CallContext& call, std::string_view what);

/// Waits for the answer to request 1 of this connection; other messages go to `others` when it is set.
/// Errors: what the keeper refused with; disconnected, timeout, cancelled.
wire::Message await_reply(int fd, const CallContext& call, std::string_view what, std::vector<wire::Message>* others);

/// A message that nobody asked for; empty for one that this version does not know.
std::optional<KeeperEvent> parse_event(const wire::Message& message);

/// "NAME PID START STATUS" of all processes.
std::vector<KeptProcess> parse_processes(const wire::Message& message);

}  // namespace visor::sdk

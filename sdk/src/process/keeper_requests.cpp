// SPDX-License-Identifier: Apache-2.0
// Requests to a keeper. Each has a connection of its own, so none waits for another.
#include "channel.hpp"
#include "record_codec.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/process/keeper.hpp"
#include "visor/sdk/process/reaper.hpp"
#include "wait.hpp"

#include <poll.h>
#include <sys/socket.h>

namespace visor::sdk {
namespace {

UniqueFd open_request(const std::string& run_dir, wire::Message request, const CallContext& call) {
  auto socket = connect_keeper(keeper_socket_path(run_dir), SOCK_SEQPACKET, call);
  send_request(socket.get(), request.add("id", std::uint64_t{1}), call);
  return socket;
}

// A session exists, so a keeper was there: that its socket is not means that it is gone.
UniqueFd open_session_request(const std::string& run_dir, const wire::Message& request, const CallContext& call) try {
  return open_request(run_dir, request, call);
} catch (const Error& error) {
  if (error.code() != Errc::not_found) throw;
  throw Error(Errc::disconnected, "The keeper of '" + run_dir + "' is gone");
}

wire::Message ask(const std::string& run_dir, const wire::Message& request, const CallContext& call) {
  const auto socket = open_session_request(run_dir, request, call);
  return await_reply(socket.get(), call, request.verb(), nullptr);
}

std::uint64_t count(std::chrono::milliseconds time) {
  return time.count() < 0 ? 0 : static_cast<std::uint64_t>(time.count());
}

// Sends the request and waits until the keeper has said how it ended and has left.
std::optional<ExitRecord> run_to_end(const std::string& run_dir, const wire::Message& request,
                                     const CallContext& call) {
  const auto socket = open_session_request(run_dir, request, call);
  std::optional<ExitRecord> record;
  for (;;) {
    const auto received = await_message(socket.get(), call, request.verb());
    if (received.end) return record;
    check_refusal(*received.message);
    if (auto found = wire::parse_record(*received.message)) record = std::move(found);
  }
}

}  // namespace

KeeperStatus Keeper::status(const CallContext& call) const {
  const auto message = ask(run_dir_, wire::Message("status"), call);
  KeeperStatus status;
  auto identity = message.get("keeper");
  status.keeper = wire::take_identity(identity);
  status.processes = parse_processes(message);
  status.committed = message.number("committed") != 0;
  status.ephemeral = message.number("ephemeral") != 0;
  status.adopted = message.number("adopted") != 0;
  status.stopping = message.number("stopping") != 0;
  if (auto owner = message.get("owner"); !owner.empty()) {
    status.owner.emplace().pid = static_cast<pid_t>(wire::parse_number(wire::take_word(owner)).value_or(0));
    status.owner->operation = owner;
  }
  status.console_connected = message.number("console_connected") != 0;
  status.console_bytes = message.number("console_bytes");
  status.console_clients = static_cast<std::uint32_t>(message.number("console_clients"));
  status.journal_first = message.number("journal_first");
  status.journal_next = message.number("journal_next");
  return status;
}

Journal Keeper::journal(std::uint64_t from, const CallContext& call) const {
  const auto socket = open_session_request(run_dir_, wire::Message("journal").add("from", from), call);
  Journal journal;
  for (;;) {
    const auto message = await_reply(socket.get(), call, "journal", nullptr);
    journal.lost += message.number("lost");
    if (message.verb() == "line") journal.entries.push_back(wire::parse_line(message.body()));
    if (message.verb() != "end") continue;
    journal.next = message.number("next");
    return journal;
  }
}

std::string Keeper::stderr_tail(std::string_view process, const CallContext& call) const {
  return ask(run_dir_, wire::Message("stderr").add("process", process), call).body();
}

ExitRecord Keeper::end(const wire::Message& request, const CallContext& call) const {
  std::optional<ExitRecord> record;
  try {
    record = run_to_end(run_dir_, request, call);
  } catch (const Error& error) {
    if (error.code() != Errc::disconnected) throw;
  }
  // The connection may have come too late to be told, but the record was written before.
  if (!record) record = read_exit_record(run_dir_);
  if (!record) throw Error(Errc::disconnected, "The keeper of '" + run_dir_ + "' died and left no exit record");
  if (pidfd_ && wait_for(pidfd_.get(), POLLIN, call.deadline())) reap(pidfd_.get());
  return std::move(*record);
}

ExitRecord Keeper::stop(const StopOptions& options, const CallContext& call) const {
  wire::Message request("stop");
  request.add("ask_owner", std::uint64_t{options.ask_owner ? 1U : 0U}).add("owner_ms", count(options.owner_answer));
  return end(request.add("grace_ms", count(options.grace)).add("term_ms", count(options.term)), call);
}

ExitRecord Keeper::kill(const CallContext& call) const { return end(wire::Message("kill"), call); }

JournalStream JournalStream::open(const std::string& run_dir, std::uint64_t from, const CallContext& call) {
  JournalStream stream;
  wire::Message request("journal");
  request.add("from", from).add("follow", std::uint64_t{1});
  stream.socket_ = open_request(run_dir, std::move(request), call);
  // A keeper without a place says so at once; any other sends a line, or that it has none yet.
  wait_for(stream.socket_.get(), POLLIN, "the keeper to open its journal", call);
  const auto first = peek_message(stream.socket_.get());
  if (first.end) throw Error(Errc::disconnected, "The keeper of '" + run_dir + "' is gone");
  if (first.message) check_refusal(*first.message);
  return stream;
}

std::optional<JournalEntry> JournalStream::next(Deadline deadline) {
  for (;;) {
    auto received = receive_message(socket_.get());
    if (received.end) throw Error(Errc::disconnected, "The journal has ended");
    if (!received.message) {
      if (!wait_for(socket_.get(), POLLIN, deadline)) return std::nullopt;
      continue;
    }
    check_refusal(*received.message);
    lost_ += received.message->number("lost");
    if (received.message->verb() == "line") return wire::parse_line(received.message->body());
  }
}

UniqueFd connect_console(const std::string& run_dir, const CallContext& call) {
  return connect_keeper(console_socket_path(run_dir), SOCK_STREAM, call);
}

}  // namespace visor::sdk

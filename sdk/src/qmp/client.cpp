// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/client.hpp"

#include "connection.hpp"
#include "follow.hpp"
#include "socket.hpp"
#include "visor/core/error.hpp"
#include "waiter.hpp"

#include <utility>

namespace visor::sdk::qmp {
namespace {

void fill_in(ClientOptions& options) {
  if (!options.io) options.io = IoThread::shared();
}

/// Why negotiation did not come to an end, by how far it came.
Error unfinished(State state, Errc why, const std::string& peer) {
  if (why == Errc::cancelled) return Error(why, "Cancelled connecting to the QMP monitor of " + peer);
  if (state == State::awaiting_greeting) {
    return Error(why, peer + " sent no QMP greeting in time: it hangs, or another client holds this monitor");
  }
  return Error(why, peer + " greeted but was not ready in time: its machine is still starting");
}

}  // namespace

Client::Client(std::shared_ptr<Connection> connection) noexcept : connection_{std::move(connection)} {}

Client::~Client() { connection_->close(); }

std::unique_ptr<Client> Client::connect(const std::string& path, ClientOptions options, const CallContext& call) {
  fill_in(options);
  if (options.io->on_this_thread()) throw Error(Errc::wrong_thread, "Cannot connect to QMP on the I/O thread");
  auto socket = connect_to(path, options.peer, call);
  return connect(std::move(socket), std::move(options), call);
}

std::unique_ptr<Client> Client::connect(UniqueFd socket, ClientOptions options, const CallContext& call) {
  fill_in(options);
  check_socket(socket.get());
  auto connection = std::make_shared<Connection>(std::move(socket), std::move(options));
  connection->check_may_block("connect to QMP");
  std::unique_ptr<Client> client{new Client(connection)};
  const auto waiter = std::make_shared<Waiter>();
  connection->open([waiter](Outcome outcome) { waiter->complete(std::move(outcome)); });
  auto result = Waiter::wait(waiter, call);
  if (const auto* const why = std::get_if<Errc>(&result))
    throw unfinished(client->state(), *why, connection->options().peer);
  auto& outcome = std::get<Outcome>(result);
  if (outcome.ok() && connection->adopt()) return client;
  auto error = outcome.ok() ? *client->failure() : *outcome.error();
  connection->explain(error, connection->cause_deadline(call));
  error.message = "Cannot negotiate QMP: " + error.message;
  error.raise();
}

Value Client::execute(std::string_view command, const CallContext& call) { return execute(command, Value{}, call); }

Value Client::execute(std::string_view command, Value arguments, const CallContext& call) {
  return this->call(Command{std::string{command}, std::move(arguments)}, call).value();
}

// A callback may destroy the client before the method that led to the callback has returned: each such method holds
// the connection itself.

Outcome Client::call(const Command& command, const CallContext& call) {
  const auto connection = connection_;
  return connection->call(command, call);
}

CallId Client::call_async(const Command& command, Deadline deadline, Completion completion) {
  const auto connection = connection_;
  return connection->call_async(command, deadline, std::move(completion));
}

bool Client::cancel(CallId id) {
  const auto connection = connection_;
  return connection->cancel(id);
}

bool Client::withdraw(CallId id) {
  const auto connection = connection_;
  return connection->withdraw(id);
}

std::shared_ptr<EventQueue> Client::subscribe(std::vector<std::string> names, std::size_t capacity) {
  return connection_->subscribe(std::move(names), capacity);
}

Event Client::wait_for(Connection& connection, EventQueue& queue, const EventMatch& match, const CallContext& call) {
  const auto& options = connection.options();
  while (true) {
    std::optional<Event> event;
    try {
      event = next_in_time(queue, call);
    } catch (const Error& error) {
      const auto* const how = error.code() == Errc::cancelled ? "Cancelled waiting for the event " : "No event ";
      throw Error(error.code(),
                  how + match.name + " of " + options.peer + (error.code() == Errc::timeout ? " came in time" : ""));
    }
    if (!event) {
      connection.disconnected("No event " + match.name, connection.cause_deadline(call)).raise();
    }
    if (!match.accepts || match.accepts(*event)) return *std::move(event);
    if (queue.dropped() > 0) {
      throw Error(Errc::exhausted,
                  "Too many " + match.name + " events of " + options.peer + " came at once; some were lost");
    }
  }
}

Event Client::wait_for_event(const EventMatch& match, const CallContext& call) {
  const auto connection = connection_;
  connection->check_may_block("wait for the event " + match.name);
  const auto queue = subscribe({match.name});
  return wait_for(*connection, *queue, match, call);
}

ValueAndEvent Client::call_and_wait(const Command& command, const EventMatch& match, const CallContext& call) {
  const auto connection = connection_;
  connection->check_may_block("wait for the event " + match.name);  // in a forked child a lock may be held for ever
  const auto queue = connection->subscribe({match.name}, EventQueue::default_capacity);  // the event may come first
  auto value = connection->call(command, call).value();
  return {std::move(value), wait_for(*connection, *queue, match, call)};
}

void Client::shutdown() noexcept {
  const auto connection = connection_;
  connection->shutdown();
}

State Client::state() const noexcept {
  return connection_->read([](const Session& session) { return session.state(); });
}

Version Client::version() const {
  return connection_->read([](const Session& session) { return session.version(); });
}

bool Client::out_of_band() const noexcept {
  return connection_->read([](const Session& session) { return session.out_of_band(); });
}

std::optional<QmpError> Client::failure() const {
  return connection_->read([](const Session& session) { return session.failure(); });
}

Counters Client::counters() const { return connection_->counters(); }

LatencyHistogram Client::latency() const {
  return connection_->read([](const Session& session) { return session.latency; });
}

std::chrono::milliseconds Client::unanswered_for() const {
  const auto since = connection_->read([](const Session& session) { return session.silent_since(); });
  if (!since) return std::chrono::milliseconds{0};
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - *since);
}

const std::shared_ptr<IoThread>& Client::io() const noexcept { return connection_->options().io; }

}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
// How a connection ends: by shutdown() on any thread, or by the peer, noticed on the I/O thread. Both come to end() on
// the I/O thread, which does it once. A callback on that thread may destroy the client: end() inside of it then
// finishes what the end() or on_timer() below it had begun, so that nothing is left when the destructor returns.
#include "connection.hpp"
#include "leak.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace visor::sdk::qmp {
namespace {

const char* const shut_down = "the QMP session was shut down";

void add_cause(QmpError& error, const std::string& cause) {
  if (error.code != Errc::disconnected || cause.empty() || error.message.ends_with(cause)) return;
  error.message += ": " + cause;
}

}  // namespace

void Client::Connection::shutdown() noexcept {
  if (options_.io->forked()) return;
  {
    const std::scoped_lock lock{mutex_};
    if (session_.ended() || session_.state() == State::closing) return;
    session_.begin_closing();
    (void)::shutdown(socket_.get(), SHUT_RDWR);
  }
  try {
    options_.io->post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->end({Errc::disconnected, shut_down});
    });
  } catch (...) {
    return;  // no memory; the end of the stream, which the socket now reports, does the same
  }
}

bool Client::Connection::adopt() {
  const std::scoped_lock lock{mutex_};
  adopted_ = !finished_;
  return adopted_;
}

void Client::Connection::close() noexcept {
  if (options_.io->forked()) return leak(shared_from_this());
  shutdown();
  options_.io->run_and_wait([this] {
    end({Errc::disconnected, shut_down});
    run_deferred();
  });
}

void Client::Connection::end(QmpError reason) noexcept {
  fail_calls(std::move(reason));
  run_due();
  report_end();
}

void Client::Connection::fail_calls(QmpError reason) noexcept {
  std::vector<Session::Finished> failed;
  FdWatch watch;
  Timer timer;
  {
    const std::scoped_lock lock{mutex_};
    if (std::exchange(finished_, true)) return;
    if (session_.state() == State::closing) reason = {Errc::disconnected, shut_down};
    failed = session_.end(std::move(reason));
    (void)::shutdown(socket_.get(), SHUT_RDWR);
    watch = std::move(watch_);
    timer = std::move(timer_);
    watch.reset();  // before the descriptor is closed; nothing of this waits on the I/O thread
    close_socket_if_idle();
  }
  if (failed.empty()) return;
  for (auto& call : failed) due_.push_back(std::move(call));
  const auto cause = find_cause(std::chrono::steady_clock::now());  // a callback, after which due_ may be empty
  for (auto i = due_.size() - std::min(due_.size(), failed.size()); i < due_.size(); ++i) {
    auto error = *due_[i].outcome.error();
    add_cause(error, cause);
    due_[i].outcome = std::move(error);
    if (logs(LogLevel::trace)) log_end(due_[i], 0);
  }
}

void Client::Connection::report_end() noexcept {
  auto failure = read([](const Session& session) { return session.failure(); });
  if (!failure || reported_) return;
  for (const auto& queue : receivers({}, true)) queue->close();
  explain(*failure, std::chrono::steady_clock::now());  // a callback, which may have come to here itself
  if (std::exchange(reported_, true)) return;
  if (logs(LogLevel::debug)) log_failure(*failure);
  if (negotiated_) run({std::exchange(negotiated_, nullptr), *failure});
  if (!options_.on_lost) return;
  {
    const std::scoped_lock lock{mutex_};
    if (!adopted_) return;
  }
  run({[this](const Outcome& outcome) { options_.on_lost(*outcome.error()); }, std::move(*failure)});
}

std::string Client::Connection::find_cause(Deadline until) {
  {
    const std::scoped_lock lock{mutex_};
    if (!cause_.empty() || session_.state() == State::closed || !options_.loss_cause) return cause_;
  }
  std::string cause;
  try {
    cause = options_.loss_cause(until);
  } catch (...) {
    cause.clear();
  }
  const std::scoped_lock lock{mutex_};
  if (cause_.empty()) cause_ = std::move(cause);
  return cause_;
}

void Client::Connection::explain(QmpError& error, Deadline until) {
  if (error.code != Errc::disconnected) return;
  add_cause(error, find_cause(until));
}

QmpError Client::Connection::disconnected(const std::string& what, Deadline until) {
  auto error = read([&](const Session& session) { return session.disconnected(what); });
  explain(error, until);
  return error;
}

}  // namespace visor::sdk::qmp

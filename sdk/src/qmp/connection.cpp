// SPDX-License-Identifier: Apache-2.0
#include "connection.hpp"

#include "socket.hpp"
#include "visor/core/error.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace visor::sdk::qmp {
namespace {

SessionConfig session_config(const ClientOptions& options) {
  return {options.peer, options.minimum_version, options.out_of_band, options.max_queued_bytes, options.max_unanswered};
}

}  // namespace

Client::Connection::Connection(UniqueFd socket, ClientOptions options)
    : options_{std::move(options)},
      session_{session_config(options_)},
      socket_{std::move(socket)},
      decoder_{options_.max_message_bytes} {}

void Client::Connection::open(Completion negotiated) {
  negotiated_ = std::move(negotiated);
  const auto weak = weak_from_this();
  auto timer = options_.io->timer([weak] {
    if (const auto self = weak.lock()) self->on_timer();
  });
  const std::scoped_lock lock{mutex_};
  timer_ = std::move(timer);
  watch_ = options_.io->watch_readable(socket_.get(), [weak] {
    if (const auto self = weak.lock()) self->on_readable();
  });
}

void Client::Connection::check_may_block(const std::string& what) const {
  if (options_.io->forked()) {
    throw Error(Errc::invalid_state, "Cannot " + what + ": this QMP session belongs to the parent process");
  }
  if (options_.io->on_this_thread()) {
    throw Error(Errc::wrong_thread, "Cannot " + what + " on the I/O thread, which would wait for itself");
  }
}

// ------------------------------------------------------------------------------------------------------------ calls

std::variant<CallId, QmpError> Client::Connection::submit(const Command& command, Deadline deadline,
                                                          Completion&& completion) {
  UniqueFd fd;
  if (command.fd >= 0) {
    fd.reset(::fcntl(command.fd, F_DUPFD_CLOEXEC, 0));
    if (!fd) {
      const auto error = system_error("Cannot duplicate the descriptor for " + command.name, errno);
      return QmpError{.code = error.code(), .message = error.message(), .unsent = true};
    }
  }
  std::variant<CallId, QmpError> result;
  {
    const std::scoped_lock lock{mutex_};
    const auto now = std::chrono::steady_clock::now();
    result = session_.submit(command, std::move(fd), deadline, std::move(completion), now);
    if (std::holds_alternative<CallId>(result)) arm_timer();
  }
  if (const auto* const id = std::get_if<CallId>(&result)) {
    if (logs(LogLevel::trace)) log_queued(command, *id);
    flush();
  }
  return result;
}

void Client::Connection::arm_timer() {
  const auto next = std::min(session_.next_deadline(), retry_at_);
  if (next >= timer_set_) return;
  timer_set_ = next;
  timer_.set(next);
}

void Client::Connection::on_timer() {
  std::vector<Session::Finished> expired;
  bool retry = false;
  {
    const std::scoped_lock lock{mutex_};
    if (finished_) return;
    timer_set_ = Deadline::max();
    const auto now = std::chrono::steady_clock::now();
    expired = session_.expire(now);
    retry = retry_at_ <= now;
    if (retry) {
      retry_at_ = Deadline::max();
      blocked_ = false;
    }
    arm_timer();
  }
  for (auto& call : expired) {
    if (logs(LogLevel::trace)) log_end(call, 0);
    due_.push_back(std::move(call));
  }
  run_due();
  if (retry) flush();
}

std::optional<QmpError> Client::Connection::give_up(CallId id, Errc why) {
  std::optional<Session::Finished> finished;
  {
    const std::scoped_lock lock{mutex_};
    finished = session_.abandon(id, why);
  }
  if (!finished) return std::nullopt;
  if (logs(LogLevel::trace)) log_end(*finished, 0);
  return *finished->outcome.error();
}

bool Client::Connection::cancel(CallId id) {
  std::optional<Session::Finished> finished;
  {
    const std::scoped_lock lock{mutex_};
    finished = session_.abandon(id, Errc::cancelled);
  }
  return finish_early(std::move(finished));
}

bool Client::Connection::withdraw(CallId id) {
  std::optional<Session::Finished> finished;
  {
    const std::scoped_lock lock{mutex_};
    finished = session_.withdraw(id);
  }
  return finish_early(std::move(finished));
}

bool Client::Connection::finish_early(std::optional<Session::Finished>&& finished) {
  if (!finished) return false;
  if (logs(LogLevel::trace)) log_end(*finished, 0);
  defer(std::move(finished->completion), std::move(finished->outcome));
  return true;
}

void Client::Connection::defer(Completion completion, Outcome outcome) {
  {
    const std::scoped_lock lock{mutex_};
    deferred_.push_back({std::move(completion), std::move(outcome)});
  }
  // Weak: what is posted and not run would keep itself alive by way of the I/O thread. close() runs what is left.
  options_.io->post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->run_deferred();
  });
}

void Client::Connection::run_deferred() {
  {
    const std::scoped_lock lock{mutex_};
    for (auto& call : deferred_) due_.push_back(std::move(call));
    deferred_.clear();
  }
  run_due();
}

void Client::Connection::run_due() noexcept {
  while (!due_.empty()) {
    auto call = std::move(due_.front());
    due_.pop_front();
    run(std::move(call));
  }
}

void Client::Connection::run(Session::Finished&& finished) noexcept {
  try {
    if (finished.completion) finished.completion(std::move(finished.outcome));
  } catch (...) {
    const std::scoped_lock lock{mutex_};
    ++callback_failures_;
  }
}

// --------------------------------------------------------------------------------------------------------- bytes in

void Client::Connection::on_readable() {
  corked_ = true;
  try {
    read_socket();
  } catch (...) {
    corked_ = false;
    throw;
  }
  corked_ = false;
  flush();
}

void Client::Connection::read_socket() {
  constexpr int max_reads = 8;  // then the other sessions have their turn
  std::array<char, 64U << 10U> bytes;
  for (int reads = 0; reads < max_reads; ++reads) {
    int fd = -1;
    {
      const std::scoped_lock lock{mutex_};
      if (finished_) return;
      fd = socket_.get();  // closed by this thread, or after this thread has ended the session
    }
    const auto received = receive_bytes(fd, bytes);
    if (received.error == EAGAIN) return;
    if (received.error != 0) return end(broken("receiving", received.error));
    if (received.bytes == 0) return end({Errc::disconnected, options_.peer + " closed the QMP connection"});
    {
      const std::scoped_lock lock{mutex_};
      session_.counters.bytes_in += received.bytes;
    }
    const std::string_view text{bytes.data(), received.bytes};
    if (const auto problem = decoder_.feed(text, [this](Message&& message) { return dispatch(std::move(message)); })) {
      return end({Errc::disconnected, "the QMP connection to " + options_.peer + " cannot go on: " + *problem});
    }
    if (received.bytes < bytes.size()) return;
  }
}

bool Client::Connection::dispatch(Message&& message) {
  Session::Action action;
  {
    const std::scoped_lock lock{mutex_};
    if (finished_ || session_.state() == State::closing) return false;  // a callback may have ended it
    action = session_.receive(std::move(message), std::chrono::steady_clock::now());
  }
  if (auto* const finished = std::get_if<Session::Finished>(&action)) {
    if (logs(LogLevel::trace)) log_end(*finished, decoder_.message_bytes());
    run(std::move(*finished));
  } else if (const auto* const event = std::get_if<Event>(&action)) {
    if (logs(LogLevel::trace)) log_event(*event);
    publish(*event);
  } else if (std::holds_alternative<Session::Ready>(action)) {
    if (logs(LogLevel::debug)) log_ready();
    run({std::exchange(negotiated_, nullptr), Value{}});
  } else if (const auto* const stray = std::get_if<Session::Stray>(&action)) {
    if (logs(LogLevel::trace)) log_stray(*stray);
  } else if (auto* const failure = std::get_if<QmpError>(&action)) {
    end(std::move(*failure));
    return false;
  }
  return true;
}

}  // namespace visor::sdk::qmp

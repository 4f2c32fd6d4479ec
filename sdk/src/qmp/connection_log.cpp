// SPDX-License-Identifier: Apache-2.0
// What a connection writes to its log. The caller has asked whether anybody wants it, and holds no mutex.
#include "connection.hpp"
#include "log_text.hpp"
#include "visor/core/error.hpp"

#include <chrono>
#include <string>

namespace visor::sdk::qmp {
namespace {

std::string bytes(std::size_t count) { return " (" + std::to_string(count) + " bytes)"; }

std::string number(CallId id) { return '#' + std::to_string(id); }

/// Lines are made of what there is memory for; without any, none is written.
template <class Make>
void write(QmpLog& log, LogLevel level, Make&& make) noexcept {
  try {
    log.write(level, make());
  } catch (...) {
    return;
  }
}

std::string outcome_text(const Session::Finished& finished) {
  const auto* const error = finished.outcome.error();
  if (!error) return finished.exchange.secret ? "ok \"***\"" : "ok " + shown(finished.outcome.value());
  const bool secret = finished.exchange.secret && error->code == Errc::hypervisor_error;  // QEMU's words may quote it
  return std::string{to_string(error->code)} + (secret ? "" : " \"" + shown_text(error->message) + '"');
}

std::string end_text(const Session::Finished& finished) {
  const auto took = std::chrono::steady_clock::now() - finished.exchange.begun;
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  return outcome_text(finished) + " after " + std::to_string(us) + " us";
}

}  // namespace

void Client::Connection::log_queued(const Command& command, CallId id) noexcept {
  write(*options_.log, LogLevel::trace, [&] {
    const auto size = encode(command.name, command.arguments, command.out_of_band, id).size();
    auto line = "QMP " + number(id) + (command.out_of_band ? " out-of-band " : " ") + shown_text(command.name);
    if (const auto arguments = shown_arguments(command); !arguments.empty()) line += ' ' + arguments;
    return line + bytes(size);
  });
}

void Client::Connection::log_end(const Session::Finished& finished, std::size_t size) noexcept {
  write(*options_.log, LogLevel::trace, [&] {
    const auto& exchange = finished.exchange;
    auto line = "QMP " + number(exchange.id) + ' ' + shown_text(exchange.command) + ": " + end_text(finished);
    return size > 0 ? line + bytes(size) : line;
  });
}

void Client::Connection::log_stray(const Session::Stray& stray) noexcept {
  write(*options_.log, LogLevel::trace, [&] {
    auto line = "QMP " + (stray.id != 0 ? number(stray.id) : "without an id of this session");
    if (!stray.late)
      return line + ": an answer to nothing that was asked" + bytes(decoder_.message_bytes());  // may be a secret
    line += ' ' + shown_text(stray.late->exchange.command) + ": too late, " + end_text(*stray.late);
    return line + bytes(decoder_.message_bytes());
  });
}

void Client::Connection::log_event(const Event& event) noexcept {
  write(*options_.log, LogLevel::trace, [&] {
    auto line = "QMP event " + shown_text(event.name);
    if (!event.data.is_null()) line += ' ' + shown(event.data);
    return line + bytes(decoder_.message_bytes());
  });
}

void Client::Connection::log_ready() noexcept {
  write(*options_.log, LogLevel::debug, [&] {
    const auto version = read([](const Session& session) { return session.version(); });
    return "QMP ready: version " + to_string(version) + ' ' + shown_text(version.package);
  });
}

void Client::Connection::log_failure(const QmpError& failure) noexcept {
  write(*options_.log, LogLevel::debug, [&] { return "QMP ended: " + shown_text(failure.message); });
}

}  // namespace visor::sdk::qmp

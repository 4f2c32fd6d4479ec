// SPDX-License-Identifier: Apache-2.0
#include "fake_qmp_dialogue.hpp"

#include "unix_socket.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace visor::testing {

std::string FakeQmpServer::State::last_word() const {
  constexpr std::size_t longest = 500;
  if (received.empty()) return "no command came";
  auto text = to_json(received.back());
  if (text.size() > longest) text = text.substr(0, longest) + " and so on";
  return "the last command was " + text;
}

std::string QmpScript::Dialogue::run(FakeQmpServer::State& state, UniqueFd connection, const QmpScript& script) {
  std::string problem;
  Dialogue dialogue{state, std::move(connection)};
  try {
    dialogue.accept_client();
    dialogue.play(script);
  } catch (const Exited&) {
    // as the script says
  } catch (const Stopped&) {
    problem = "the test ended before the script";
  } catch (const std::exception& error) {
    problem = (dialogue.place_.empty() ? "" : dialogue.place_ + ": ") + error.what();
  }
  dialogue.connection_.reset();
  state.listener.reset();  // whoever connects now is refused and does not wait for a greeting
  if (state.options.on_over) state.options.on_over(problem);
  return problem;
}

void QmpScript::Dialogue::accept_client() {
  const auto until = deadline();
  while (state_.listener && !connection_) {
    wait_until(state_.listener.get(), POLLIN, "a client to connect", until);
    connection_.reset(::accept4(state_.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const bool again = errno == EINTR || errno == EAGAIN || errno == ECONNABORTED;
    if (!connection_ && !again) throw Problem("accept: " + std::string{std::strerror(errno)});
  }
}

void QmpScript::Dialogue::waits_for(std::string what) {
  const std::scoped_lock lock{state_.mutex};
  state_.waits_for = std::move(what);
}

void QmpScript::Dialogue::be_at(std::string place) {
  place_ = std::move(place);
  const std::scoped_lock lock{state_.mutex};
  state_.place = place_;
  state_.waits_for.clear();
}

void QmpScript::Dialogue::wait_in_vain(const std::string& what) const {
  const std::scoped_lock lock{state_.mutex};
  throw Problem("waited in vain for " + what + "; " + state_.last_word());
}

void QmpScript::Dialogue::wait_until(int fd, short ready, const std::string& what, Deadline until) {
  if (fd < 0) throw Problem("the script goes on after it closed the connection");
  waits_for(what);
  std::array<pollfd, 2> polled = {{{fd, ready, 0}, {state_.stop.get(), POLLIN, 0}}};
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    const auto ready_fds = ::poll(polled.data(), polled.size(), std::max(0, static_cast<int>(left)));
    if (ready_fds < 0 && errno == EINTR) continue;
    if (ready_fds < 0) throw Problem("poll: " + std::string{std::strerror(errno)});
    if (ready_fds == 0) wait_in_vain(what);
    if (polled[1].revents != 0) throw Stopped{};
    if (polled[0].revents != 0) return;
  }
}

bool QmpScript::Dialogue::read_more(const std::string& what, Deadline until) {
  wait_until(connection_.get(), POLLIN, what, until);
  std::array<char, 4096> bytes;
  const auto size = receive(connection_.get(), bytes, [&](UniqueFd fd) {
    const std::scoped_lock lock{state_.mutex};
    state_.fds.push_back(std::move(fd));
  });
  if (size) input_.feed({bytes.data(), *size});
  return size != 0;
}

std::optional<Value> QmpScript::Dialogue::next(const std::string& what) {
  const auto until = deadline();
  while (true) {
    if (const auto message = input_.next()) {
      auto command = parse_json(*message);
      const std::scoped_lock lock{state_.mutex};
      state_.received.push_back(command);
      return command;
    }
    if (!read_more(what, until)) return std::nullopt;
  }
}

void QmpScript::Dialogue::play(const QmpScript& script) {
  const auto outer = place_;
  std::size_t number = 0;
  for (const auto& step : script.steps_) {
    ++number;
    be_at(!step.place.empty() ? step.place : (outer.empty() ? "step " : outer + ".") + std::to_string(number));
    step.play(*this);
  }
  be_at(outer);
}

void QmpScript::Dialogue::answer(Value reply, std::size_t before) {
  if (before >= expected_.size()) throw Problem("the script answers a command that it never expected");
  if (const auto* const id = expected_[expected_.size() - 1 - before].find("id")) reply.set("id", *id);
  send(reply);
}

void QmpScript::Dialogue::send(const Value& object) { send(to_json(object) + "\r\n"); }

void QmpScript::Dialogue::send(const std::string& bytes) {
  if (glued_) {
    held_ += bytes;
  } else {
    write_all(bytes);
  }
}

void QmpScript::Dialogue::unglue() {
  glued_ = false;
  write_all(std::exchange(held_, {}));
}

void QmpScript::Dialogue::write_all(std::string_view bytes) {
  auto until = deadline();  // of the next bytes: a client that reads slowly may take its time
  while (!bytes.empty()) {
    wait_until(connection_.get(), POLLOUT, "the client to read", until);
    const auto piece = bytes.substr(0, pieces_.next(bytes.size()));
    const auto sent = ::send(connection_.get(), piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) return;  // the client has gone: for others to notice
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (sent < 0) throw Problem("send: " + std::string{std::strerror(errno)});
    bytes.remove_prefix(static_cast<std::size_t>(sent));
    until = deadline();
  }
}

void QmpScript::Dialogue::wait_at(const std::string& gate) {
  waits_for("the gate " + gate);
  std::unique_lock lock{state_.mutex};
  const auto open = [&] { return state_.gates[gate] > 0 || state_.stopping; };
  if (!state_.changed.wait_for(lock, state_.options.patience, open)) throw Problem("nobody released the gate " + gate);
  if (state_.stopping) throw Stopped{};
  --state_.gates[gate];
}

void QmpScript::Dialogue::wait_for(std::chrono::milliseconds time) {
  waits_for(std::to_string(time.count()) + " ms to pass");
  std::unique_lock lock{state_.mutex};
  if (state_.changed.wait_for(lock, time, [&] { return state_.stopping; })) throw Stopped{};
}

void QmpScript::Dialogue::wait_stop() {
  waits_for("the test to end, frozen");
  std::unique_lock lock{state_.mutex};
  if (!state_.changed.wait_for(lock, state_.options.patience, [&] { return state_.stopping; })) {
    throw Problem("frozen for longer than any test should take");
  }
}

void QmpScript::Dialogue::close() {
  connection_.reset();
  state_.listener.reset();
}

void QmpScript::Dialogue::write_stderr(const std::string& text) {
  if (state_.options.on_stderr) state_.options.on_stderr(text + "\n");
}

void QmpScript::Dialogue::exit(int code) {
  close();
  if (state_.options.on_exit) state_.options.on_exit(code);
  throw Exited{};
}

}  // namespace visor::testing

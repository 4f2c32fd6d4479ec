// SPDX-License-Identifier: Apache-2.0
#include "visor/testing/fake_qmp_server.hpp"

#include "fake_qmp_dialogue.hpp"
#include "unix_socket.hpp"
#include "visor/core/error.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace visor::testing {
FakeQmpServer::FakeQmpServer(QmpScript script) : FakeQmpServer(std::move(script), Options{}) {}

FakeQmpServer::FakeQmpServer(QmpScript script, Options options) : state_{std::make_shared<State>()} {
  state_->options = std::move(options);
  state_->stop.reset(::eventfd(0, EFD_CLOEXEC));
  if (!state_->stop) throw system_error("Cannot create an eventfd", errno);
  UniqueFd server;
  if (state_->options.listener) {
    state_->listener = std::move(state_->options.listener);
  } else if (state_->options.path.empty()) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) throw system_error("socketpair", errno);
    state_->client.reset(ends[0]);
    server.reset(ends[1]);
  } else {
    state_->listener = listen_at(state_->options.path);
  }
  auto connection = std::make_shared<UniqueFd>(std::move(server));
  state_->thread = std::thread{[state = state_.get(), connection, script = std::move(script)] {
    auto problem = QmpScript::Dialogue::run(*state, std::move(*connection), script);
    const std::scoped_lock lock{state->mutex};
    state->problem = std::move(problem);
    state->over = true;
    state->changed.notify_all();
  }};
}

FakeQmpServer::~FakeQmpServer() {
  {
    const std::scoped_lock lock{state_->mutex};
    state_->stopping = true;
    state_->changed.notify_all();
  }
  (void)::eventfd_write(state_->stop.get(), 1);
  state_->thread.join();
  if (!state_->options.path.empty()) ::unlink(state_->options.path.c_str());
}

UniqueFd FakeQmpServer::take_client() { return std::move(state_->client); }

void FakeQmpServer::release(const std::string& gate) {
  const std::scoped_lock lock{state_->mutex};
  ++state_->gates[gate];
  state_->changed.notify_all();
}

std::string FakeQmpServer::finish() {
  std::unique_lock lock{state_->mutex};
  if (!state_->changed.wait_for(lock, state_->options.patience, [&] { return state_->over; })) {
    auto text = "the script is not over: it is at " + (state_->place.empty() ? "its beginning" : state_->place);
    if (!state_->waits_for.empty()) text += " and waits for " + state_->waits_for;
    return text + "; " + state_->last_word();
  }
  return state_->problem;
}

std::vector<Value> FakeQmpServer::received() const {
  const std::scoped_lock lock{state_->mutex};
  return state_->received;
}

std::size_t FakeQmpServer::received_fds() const {
  const std::scoped_lock lock{state_->mutex};
  return state_->fds.size();
}

}  // namespace visor::testing

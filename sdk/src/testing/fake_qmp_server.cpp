// SPDX-License-Identifier: Apache-2.0
#include "visor/testing/fake_qmp_server.hpp"

#include "fake_qmp_dialogue.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace visor::testing {
namespace {

UniqueFd listen_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw Error(Errc::invalid_config, "Socket path too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!listener || ::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener.get(), 1) != 0) {
    throw system_error("Cannot listen at " + path, errno);
  }
  return listener;
}

}  // namespace

Value FakeGreeting::object() const {
  auto offered = Value::list();
  for (const auto& capability : capabilities) offered.push_back(capability);
  auto version = Value::map({{"qemu", Value::map({{"micro", micro}, {"minor", minor}, {"major", major}})}});
  version.set("package", package);
  return Value::map({{"QMP", Value::map({{"version", std::move(version)}, {"capabilities", std::move(offered)}})}});
}

// ----------------------------------------------------------------------------------------------------------- script

QmpScript& QmpScript::add(Step step) {
  steps_.push_back(std::move(step));
  return *this;
}

QmpScript& QmpScript::greet(const FakeGreeting& greeting) {
  return add([object = greeting.object()](Dialogue& dialogue) { dialogue.send(object); });
}

QmpScript& QmpScript::negotiate() { return expect("qmp_capabilities").reply(); }

QmpScript& QmpScript::expect(std::string command) {
  return add([command = std::move(command)](Dialogue& dialogue) { dialogue.expect(command, nullptr); });
}

QmpScript& QmpScript::expect(std::string command, Value arguments) {
  return add([command = std::move(command), arguments = std::move(arguments)](Dialogue& dialogue) {
    dialogue.expect(command, &arguments);
  });
}

QmpScript& QmpScript::reply(Value value, std::size_t before) {
  return add([reply = Value::map({{"return", std::move(value)}}), before](Dialogue& dialogue) {
    dialogue.answer(reply, before);
  });
}

QmpScript& QmpScript::fail(std::string error_class, std::string description, std::size_t before) {
  auto error = Value::map({{"class", std::move(error_class)}, {"desc", std::move(description)}});
  return add([reply = Value::map({{"error", std::move(error)}}), before](Dialogue& dialogue) {
    dialogue.answer(reply, before);
  });
}

QmpScript& QmpScript::event(std::string name, Value data, FakeTime time) {
  auto stamp = Value::map({{"seconds", time.seconds}, {"microseconds", time.microseconds}});
  auto object = Value::map({{"timestamp", std::move(stamp)}, {"event", std::move(name)}});
  if (!data.is_null()) object.set("data", std::move(data));
  return add([object = std::move(object)](Dialogue& dialogue) { dialogue.send(object); });
}

QmpScript& QmpScript::raw(std::string bytes) {
  return add([bytes = std::move(bytes)](Dialogue& dialogue) { dialogue.send(bytes); });
}

QmpScript& QmpScript::split(std::size_t bytes) {
  return add([bytes](Dialogue& dialogue) { dialogue.split(bytes); });
}

QmpScript& QmpScript::glue() {
  return add([](Dialogue& dialogue) { dialogue.glue(); });
}

QmpScript& QmpScript::unglue() {
  return add([](Dialogue& dialogue) { dialogue.unglue(); });
}

QmpScript& QmpScript::pause(std::string gate) {
  return add([gate = std::move(gate)](Dialogue& dialogue) { dialogue.wait_at(gate); });
}

QmpScript& QmpScript::silence() {
  return add([](Dialogue& dialogue) {
    while (dialogue.next("the client to close")) continue;
  });
}

QmpScript& QmpScript::freeze() {
  return add([](Dialogue& dialogue) { dialogue.wait_stop(); });
}

QmpScript& QmpScript::serve(Handlers handlers) {
  return add([handlers = std::move(handlers)](Dialogue& dialogue) { dialogue.serve(handlers); });
}

QmpScript& QmpScript::expect_end() {
  return add([](Dialogue& dialogue) { dialogue.expect_end(); });
}

QmpScript& QmpScript::close() {
  return add([](Dialogue& dialogue) { dialogue.close(); });
}

// ----------------------------------------------------------------------------------------------------------- server

FakeQmpServer::FakeQmpServer(QmpScript script) : FakeQmpServer(std::move(script), Options{}) {}

FakeQmpServer::FakeQmpServer(QmpScript script, Options options) : state_{std::make_shared<State>()} {
  state_->options = std::move(options);
  state_->stop.reset(::eventfd(0, EFD_CLOEXEC));
  if (!state_->stop) throw system_error("Cannot create an eventfd", errno);
  UniqueFd server;
  if (state_->options.path.empty()) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) throw system_error("socketpair", errno);
    state_->client.reset(ends[0]);
    server.reset(ends[1]);
  } else {
    state_->listener = listen_at(state_->options.path);
  }
  auto connection = std::make_shared<UniqueFd>(std::move(server));
  state_->thread = std::thread{[state = state_.get(), connection, steps = std::move(script.steps_)] {
    std::string problem;
    {
      QmpScript::Dialogue dialogue{*state, std::move(*connection)};
      try {
        dialogue.accept_client();
        for (const auto& step : steps) step(dialogue);
      } catch (const QmpScript::Dialogue::Stopped&) {
        problem = "the test ended before the script";
      } catch (const std::exception& error) {
        problem = error.what();
      }
    }
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
    return "the script is not over";
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

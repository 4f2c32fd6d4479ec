// SPDX-License-Identifier: Apache-2.0
#include "visor/testing/qmp_script.hpp"

#include "fake_qmp_dialogue.hpp"

#include <utility>

namespace visor::testing {

Value FakeGreeting::object() const {
  auto offered = Value::list();
  for (const auto& capability : capabilities) offered.push_back(capability);
  auto version = Value::map({{"qemu", Value::map({{"micro", micro}, {"minor", minor}, {"major", major}})}});
  version.set("package", package);
  return Value::map({{"QMP", Value::map({{"version", std::move(version)}, {"capabilities", std::move(offered)}})}});
}

QmpScript& QmpScript::add(std::function<void(Dialogue&)> play) {
  steps_.push_back({std::move(play), {}});
  return *this;
}

QmpScript& QmpScript::append(const QmpScript& script) {
  steps_.insert(steps_.end(), script.steps_.begin(), script.steps_.end());
  return *this;
}

QmpScript& QmpScript::greet(const FakeGreeting& greeting) {
  return add([object = greeting.object()](Dialogue& dialogue) { dialogue.send(object); });
}

QmpScript& QmpScript::negotiate() { return expect("qmp_capabilities").reply(); }

QmpScript& QmpScript::expect(std::string command) { return expect(std::move(command), Match::any, {}); }

QmpScript& QmpScript::expect(std::string command, Value arguments) {
  return expect(std::move(command), Match::exact, std::move(arguments));
}

QmpScript& QmpScript::expect(std::string command, Match match, Value arguments) {
  return add([exchange = Exchange{std::move(command), match, std::move(arguments)}](Dialogue& dialogue) {
    dialogue.expect(exchange);
  });
}

QmpScript& QmpScript::any_order(std::vector<Exchange> exchanges) {
  return add([exchanges = std::move(exchanges)](Dialogue& dialogue) {
    std::vector<const Exchange*> left;
    for (const auto& exchange : exchanges) left.push_back(&exchange);
    dialogue.any_order(std::move(left));
  });
}

QmpScript& QmpScript::serve_any(std::vector<Exchange> exchanges, std::string until) {
  return add([exchanges = std::move(exchanges), until = std::move(until)](Dialogue& dialogue) {
    dialogue.serve_any(exchanges, until);
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
  return add([bytes](Dialogue& dialogue) { dialogue.split(Pieces{bytes}); });
}

QmpScript& QmpScript::split_random(std::uint64_t seed, std::size_t largest) {
  return add([seed, largest](Dialogue& dialogue) { dialogue.split(Pieces{seed, largest}); });
}

QmpScript& QmpScript::glue() {
  return add([](Dialogue& dialogue) { dialogue.glue(); });
}

QmpScript& QmpScript::unglue() {
  return add([](Dialogue& dialogue) { dialogue.unglue(); });
}

QmpScript& QmpScript::delay(std::chrono::milliseconds time) {
  return add([time](Dialogue& dialogue) { dialogue.wait_for(time); });
}

QmpScript& QmpScript::repeat(std::size_t times, QmpScript script) {
  return add([times, script = std::move(script)](Dialogue& dialogue) {
    for (std::size_t i = 0; i < times; ++i) dialogue.play(script);
  });
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

QmpScript& QmpScript::write_stderr(std::string text) {
  return add([text = std::move(text)](Dialogue& dialogue) { dialogue.write_stderr(text); });
}

QmpScript& QmpScript::exit(int code) {
  return add([code](Dialogue& dialogue) { dialogue.exit(code); });
}

}  // namespace visor::testing

// SPDX-License-Identifier: Apache-2.0
#include "transcript.hpp"

#include "testing/match.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"
#include "visor/testing/qmp_script.hpp"
#include "yaml_writer.hpp"

#include <algorithm>
#include <utility>

namespace visor::testing {
namespace {

std::optional<Value> object_of(const std::string& message) {
  try {
    auto object = parse_json(message);
    if (object.is_map()) return object;
  } catch (const Error&) {
    return std::nullopt;
  }
  return std::nullopt;
}

/// The greeting as a step, if the step says all of it.
std::optional<Value> greeting_of(const Value& object) {
  try {
    const auto& greeting = object.at("QMP");
    const auto& version = greeting.at("version");
    const auto& qemu = version.at("qemu");
    FakeGreeting same;
    same.major = static_cast<std::uint32_t>(qemu.at("major").as_uint());
    same.minor = static_cast<std::uint32_t>(qemu.at("minor").as_uint());
    same.micro = static_cast<std::uint32_t>(qemu.at("micro").as_uint());
    same.package = version.at("package").as_string();
    same.capabilities.clear();
    for (const auto& one : greeting.at("capabilities").as_list()) same.capabilities.push_back(one.as_string());
    if (!same_data(same.object(), object)) return std::nullopt;
    return Value::map({{"greet", Value::map({{"major", same.major},
                                             {"minor", same.minor},
                                             {"micro", same.micro},
                                             {"package", same.package},
                                             {"capabilities", greeting.at("capabilities")}})}});
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

void Transcript::from_client(std::string_view bytes) {
  client_.feed(bytes);
  while (const auto message = client_.next()) {
    const auto object = object_of(*message);
    const auto* const name = object ? command_name(*object) : nullptr;
    if (name == nullptr || !name->is_string()) {
      throw Error(Errc::invalid_config, "The client said what no script can expect: " + message->substr(0, 80));
    }
    heard_from_client(*object);
  }
}

void Transcript::heard_from_client(const Value& object) {
  auto step = Value::map({{"expect", *command_name(object)}});
  const auto* const arguments = object.find("arguments");
  // How a client negotiates is its own affair: another one may enable more, or nothing.
  const bool negotiates = *command_name(object) == Value{"qmp_capabilities"};
  if (arguments != nullptr || !negotiates) step.set("arguments", arguments != nullptr ? *arguments : Value::map());
  steps_.push_back(std::move(step));
  const auto* const id = object.find("id");
  commands_.push_back({id != nullptr ? std::optional{*id} : std::nullopt});
}

void Transcript::from_server(std::string_view bytes) {
  server_.feed(bytes);
  while (const auto message = server_.next()) heard_from_server(*message);
}

void Transcript::heard_from_server(const std::string& message) {
  const auto object = object_of(message);
  if (object && object->find("event") != nullptr) return heard_event(*object);
  if (object && (object->find("return") != nullptr || object->find("error") != nullptr)) return heard_answer(*object);
  auto greeting = object ? greeting_of(*object) : std::nullopt;
  steps_.push_back(greeting ? *std::move(greeting) : Value::map({{"raw", message + "\r\n"}}));
}

void Transcript::heard_event(const Value& object) {
  auto step = Value::map({{"event", object.at("event")}});
  if (const auto* const data = object.find("data")) step.set("data", *data);
  if (const auto* const time = object.find("timestamp"); time != nullptr && keep_times_) step.set("time", *time);
  steps_.push_back(std::move(step));
}

std::optional<std::size_t> Transcript::answered_command(const Value& object) const {
  const auto* const id = object.find("id");
  for (std::size_t i = 0; i < commands_.size(); ++i) {
    const auto& command = commands_[i];
    const bool same = id == nullptr ? !command.id : command.id && same_data(*command.id, *id);
    if (!command.answered && same) return i;
  }
  return std::nullopt;
}

void Transcript::heard_answer(const Value& object) {
  auto step = Value::map();
  if (const auto* const value = object.find("return")) {
    step.set("reply", *value);
  } else {
    const auto& error = object.at("error");
    const auto* const text = error.find("desc");
    step.set("error", text != nullptr ? *text : Value{""});
    if (const auto* const kind = error.find("class")) step.set("class", *kind);
  }
  const auto command = answered_command(object);
  if (!command) {  // of nothing that was asked
    steps_.push_back(Value::map({{"raw", to_json(object) + "\r\n"}}));
    return;
  }
  commands_[*command].answered = true;
  const auto before = commands_.size() - 1 - *command;
  if (before != 0) step.set("before", before);
  auto& last = steps_.back();
  if (before == 0 && last.find("expect") != nullptr) {
    for (const auto& [key, value] : step.as_map()) last.set(key, value);
  } else {
    steps_.push_back(std::move(step));
  }
}

std::string Transcript::yaml() const {
  std::string text = "# A dialogue that was recorded; docs/TESTING.md says what the steps mean.\n";
  text += steps_.empty() ? "steps: []\n" : "steps:\n" + write_yaml_items(steps_);
  if (reason_.empty()) return text;
  auto comment = reason_;  // with what a client said, which may be any bytes
  std::ranges::replace_if(comment, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text + "# It broke off: " + comment + "\n";
}

}  // namespace visor::testing

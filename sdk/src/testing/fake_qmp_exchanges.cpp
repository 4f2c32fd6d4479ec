// SPDX-License-Identifier: Apache-2.0
// The steps that take commands.
#include "fake_qmp_dialogue.hpp"
#include "match.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"

#include <algorithm>
#include <utility>

namespace visor::testing {
namespace {

Value error_reply(std::string error_class, std::string description) {
  auto error = Value::map({{"class", std::move(error_class)}, {"desc", std::move(description)}});
  return Value::map({{"error", std::move(error)}});
}

bool is_named(const Value& object, const std::string& command) {
  const auto* const name = command_name(object);
  return name != nullptr && *name == Value{command};
}

bool fits(const QmpScript::Exchange& exchange, const Value& object) {
  return is_named(object, exchange.command) && arguments_fit(object, exchange.match, exchange.arguments);
}

std::string names_of(const std::vector<const QmpScript::Exchange*>& exchanges) {
  std::string names;
  for (const auto* exchange : exchanges) names += (names.empty() ? "" : ", ") + exchange->command;
  return names;
}

}  // namespace

void QmpScript::Dialogue::expect(const Exchange& exchange) {
  auto object = next(exchange.command);
  if (!object) throw Problem("expected " + exchange.command + ", but the client closed");
  if (!is_named(*object, exchange.command)) {
    throw Problem("expected " + exchange.command + ", got " + to_json(*object));
  }
  if (!arguments_fit(*object, exchange.match, exchange.arguments)) {
    const auto* const with = exchange.match == Match::subset ? " with at least " : " with ";
    const auto wanted = exchange.arguments.is_null() ? "no arguments" : to_json(exchange.arguments);
    throw Problem("expected " + exchange.command + with + wanted + ", got " + to_json(*object));
  }
  expected_.push_back(*std::move(object));
  play(exchange.then);
}

void QmpScript::Dialogue::any_order(std::vector<const Exchange*> left) {
  while (!left.empty()) {
    const auto what = "one of " + names_of(left);
    auto object = next(what);
    if (!object) throw Problem("expected " + what + ", but the client closed");
    const auto found = std::ranges::find_if(left, [&](const auto* exchange) { return fits(*exchange, *object); });
    if (found == left.end()) throw Problem("expected " + what + ", got " + to_json(*object));
    const auto* const exchange = *found;
    left.erase(found);
    expected_.push_back(*std::move(object));
    play(exchange->then);
  }
}

void QmpScript::Dialogue::refuse(Value command, const std::string& error_class, const std::string& text) {
  expected_.push_back(std::move(command));
  answer(error_reply(error_class, text), 0);
}

void QmpScript::Dialogue::serve_any(const std::vector<Exchange>& exchanges, const std::string& until) {
  while (auto object = next("another command, or the end")) {
    const auto* const name = command_name(*object);
    const auto text = name != nullptr && name->is_string() ? name->as_string() : std::string{};
    const auto found = std::ranges::find_if(exchanges, [&](const Exchange& one) { return fits(one, *object); });
    if (found != exchanges.end()) {
      expected_.assign(1, *std::move(object));
      play(found->then);
      if (text == until) return;
    } else if (std::ranges::any_of(exchanges, [&](const Exchange& one) { return one.command == text; })) {
      refuse(*std::move(object), "GenericError", "The script has no exchange of " + text + " with these arguments");
    } else {
      refuse(*std::move(object), "CommandNotFound", "The command " + text + " has not been found");
    }
  }
  if (!until.empty()) throw Problem("expected " + until + ", but the client closed");
}

void QmpScript::Dialogue::serve(const Handlers& handlers) {
  while (auto object = next("another command, or the end")) {
    const auto& name = object->at("execute").as_string();
    const auto handler = handlers.find(name);
    auto reply = Value::map();
    if (handler == handlers.end()) {
      reply = error_reply("CommandNotFound", "The command " + name + " has not been found");
    } else {
      try {
        const auto* const arguments = object->find("arguments");
        reply.set("return", handler->second(arguments ? *arguments : Value{}));
      } catch (const Error& error) {
        reply = error_reply("GenericError", error.message());
      }
    }
    expected_.assign(1, *std::move(object));
    answer(std::move(reply), 0);
  }
}

void QmpScript::Dialogue::expect_end() {
  if (const auto object = next("the client to close")) throw Problem("expected the end, got " + to_json(*object));
}

}  // namespace visor::testing

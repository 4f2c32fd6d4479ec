// SPDX-License-Identifier: Apache-2.0
#include "words.hpp"

#include "arguments.hpp"
#include "profile.hpp"
#include "visor/core/error.hpp"

#include <algorithm>
#include <fstream>
#include <string_view>
#include <utility>
#include <vector>

namespace visor::testing {
namespace {

using Actions = std::vector<std::string_view>;

/// What has an effect at a step: a signal has no client to answer, a query nothing to ignore, and so on.
const Actions& actions_of(std::string_view step) {
  static const Actions start = {"hang", "exit"};
  static const Actions greeting = {"silence", "hang", "garbage", "error", "close", "exit"};
  static const Actions sigterm = {"silence", "hang", "ignore", "exit"};
  static const Actions command = {"silence", "hang", "garbage", "error", "close", "ignore", "exit"};
  static const Actions device_del = {"silence", "hang", "garbage", "error", "close", "ignore", "exit", "refuse"};
  if (step == "start") return start;
  if (step == "sigterm") return sigterm;
  if (step == "greeting" || step == "qmp_capabilities" || step.starts_with("query-")) return greeting;
  return step == "device_del" ? device_del : command;
}

/// "a, b and c".
std::string names_of(const Actions& actions) {
  std::string names;
  for (const auto& action : actions) {
    if (!names.empty()) names += action == actions.back() ? " and " : ", ";
    names += action;
  }
  return names;
}

void check_action(const std::string& step, const std::string& word) {
  const auto action = word.substr(0, word.find(':'));
  const auto& effective = actions_of(step);
  if (std::ranges::find(actions_of("device_del"), action) == actions_of("device_del").end()) {
    throw Error(Errc::invalid_config, "-fake " + step + ": there is no action '" + action + "'; see --help");
  }
  if (std::ranges::find(effective, action) == effective.end()) {
    throw Error(Errc::invalid_config, "-fake " + step + ": only " + names_of(effective) + " have an effect");
  }
  if (action != word && action != "error") {
    throw Error(Errc::invalid_config, "-fake " + step + ": '" + action + "' takes no text; only error does");
  }
}

void check(const std::string& key, const std::string& value) {
  if (key == "stderr" || key == "live" || key == "blocked" || key == "script" || key.starts_with("script.")) return;
  if (key == "exit-code") {
    const auto code = number_of(Value{value});
    if (!code || *code > 255) throw Error(Errc::invalid_config, "-fake exit-code: not a number to 255: " + value);
  } else if (key == "profile") {
    if (find_profile(value) == nullptr) throw Error(Errc::invalid_config, "-fake profile: there is no '" + value + "'");
  } else {
    check_action(key.starts_with("once.") ? key.substr(5) : key, value);
  }
}

}  // namespace

Words::Words(std::map<std::string, std::string> words) : words_{std::move(words)} {
  for (const auto& [key, value] : words_) check(key, value);
  if (const auto code = value("exit-code"); !code.empty()) exit_code_ = static_cast<int>(*number_of(Value{code}));
}

std::string Words::value(const std::string& key) const {
  const auto found = words_.find(key);
  return found == words_.end() ? std::string{} : found->second;
}

void Words::begin(const std::string& command) {
  command_.clear();
  const auto found = words_.find("once." + command);
  if (found == words_.end()) return;
  command_ = command;
  word_ = found->second;
  words_.erase(found);
}

std::string Words::said_of(const std::string& step) const {
  auto word = !command_.empty() && step == command_ ? word_ : value(step);
  if (const auto file = value("live"); word.empty() && !file.empty()) {
    std::ifstream lines{file};
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with(step + '=')) continue;
      word = line.substr(step.size() + 1);
      check(step, word);
    }
  }
  return word;
}

std::string Words::action(const std::string& step) const {
  const auto word = said_of(step);
  return word.substr(0, word.find(':'));
}

std::string Words::refusal(const std::string& step) const {
  const auto word = said_of(step);
  const auto colon = word.find(':');
  return colon == std::string::npos ? "the fake refuses " + step : word.substr(colon + 1);
}

}  // namespace visor::testing

// SPDX-License-Identifier: Apache-2.0
#include "words.hpp"

#include "arguments.hpp"
#include "profile.hpp"
#include "visor/core/error.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace visor::testing {
namespace {

constexpr std::array actions = {"silence", "hang", "garbage", "error", "close", "ignore", "exit", "refuse"};

void check(const std::string& key, const std::string& value) {
  if (key == "stderr" || key == "script" || key.starts_with("script.")) return;
  if (key == "exit-code") {
    const auto code = number_of(Value{value});
    if (!code || *code > 255) throw Error(Errc::invalid_config, "-fake exit-code: not a number to 255: " + value);
  } else if (key == "profile") {
    if (find_profile(value) == nullptr) throw Error(Errc::invalid_config, "-fake profile: there is no '" + value + "'");
  } else if (const auto action = value.substr(0, value.find(':'));
             std::ranges::find(actions, action) == actions.end()) {
    throw Error(Errc::invalid_config, "-fake " + key + ": there is no action '" + action + "'; see --help");
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

std::string Words::action(const std::string& step) const {
  const auto word = value(step);
  return word.substr(0, word.find(':'));
}

std::string Words::refusal(const std::string& step) const {
  const auto word = value(step);
  const auto colon = word.find(':');
  return colon == std::string::npos ? "the fake refuses " + step : word.substr(colon + 1);
}

}  // namespace visor::testing

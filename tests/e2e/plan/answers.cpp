// SPDX-License-Identifier: Apache-2.0
#include "answers.hpp"

#include "planned_qemu.hpp"
#include "visor/core/json.hpp"

#include <future>
#include <list>
#include <utility>

namespace visor::test {

const Value& Answers::ask(const std::string& command, const Value& arguments) {
  const auto key = command + to_json(arguments);
  const auto found = known_.find(key);
  if (found != known_.end()) return found->second.value();
  wanted_[key] = {.name = command, .arguments = arguments};
  throw Unknown{};
}

const Value& Answers::get(const std::string& path, const std::string& property) {
  return ask("qom-get", Value::map({{"path", path}, {"property", property}}));
}

bool Answers::fetch() {
  const auto wanted = std::exchange(wanted_, {});
  const auto deadline = std::chrono::steady_clock::now() + planned_limit;
  std::list<std::promise<sdk::qmp::Outcome>> promises;
  std::list<std::pair<std::string, std::future<sdk::qmp::Outcome>>> answers;
  for (const auto& [key, command] : wanted) {
    auto& promise = promises.emplace_back();
    answers.emplace_back(key, promise.get_future());
    client_.call_async(command, deadline, [&promise](auto outcome) { promise.set_value(std::move(outcome)); });
  }
  for (auto& [key, answer] : answers) known_.insert_or_assign(key, answer.get());
  return !wanted.empty();
}

}  // namespace visor::test

// SPDX-License-Identifier: Apache-2.0
#include "says.hpp"

#include <cstdlib>
#include <fstream>
#include <optional>

namespace visor::test {
namespace {

std::optional<std::int64_t> number_of(const std::string& text) {
  char* end = nullptr;
  const auto number = std::strtoll(text.c_str(), &end, 0);
  const std::string rest{end};
  if (end == text.c_str() || (!rest.empty() && rest != "M")) return std::nullopt;
  return rest.empty() ? number : number << 20U;
}

}  // namespace

bool says(const std::string& wanted, const Value& got) {
  switch (got.kind()) {
    case Value::Kind::boolean:
      return wanted == (got.as_bool() ? "on" : "off") || wanted == (got.as_bool() ? "true" : "false");
    case Value::Kind::integer:
      return number_of(wanted) == got.as_int();
    case Value::Kind::string:
      return got.as_string() == wanted || got.as_string().ends_with('/' + wanted);
    default:
      return false;
  }
}

std::uint64_t status_of(pid_t pid, const std::string& key) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/status"};
  for (std::string word; file >> word;) {
    std::uint64_t number = 0;
    if (word == key + ':' && file >> number) return number;
  }
  return 0;
}

}  // namespace visor::test

// SPDX-License-Identifier: Apache-2.0
#include "option.hpp"

#include <set>

namespace visor::test {
namespace {

/// The parts between single commas; two stand for one within a part.
std::vector<std::string> parts_of(const std::string& value) {
  std::vector<std::string> parts(1);
  for (std::size_t at = 0; at < value.size(); ++at) {
    if (value[at] != ',') {
      parts.back() += value[at];
    } else if (at + 1 < value.size() && value[at + 1] == ',') {
      parts.back() += value[at++];
    } else {
      parts.emplace_back();
    }
  }
  return parts;
}

std::pair<std::string, std::string> item_of(const Option& option, const std::string& part) {
  const auto equals = part.find('=');
  if (equals != std::string::npos) return {part.substr(0, equals), part.substr(equals + 1)};
  const bool feature = option.name == "-cpu" && !option.items.empty();
  if (feature) return {part.substr(1), part.front() == '+' ? "on" : "off"};
  return {"", part};
}

}  // namespace

std::string Option::at(const std::string& key) const {
  for (const auto& [item, value] : items) {
    if (item == key) return value;
  }
  return {};
}

std::vector<Option> options_of(const std::vector<sdk::CommandLine::Argument>& arguments) {
  static const std::set<std::string> whole{"-kernel", "-initrd", "-append", "-bios", "-uuid", "-display", "-serial"};
  std::vector<Option> options;
  for (const auto& argument : arguments) {
    Option option{.name = argument.option, .items = {}};
    if (whole.contains(option.name)) {
      option.items = {{"", argument.value}};
    } else if (argument.has_value) {
      for (const auto& part : parts_of(argument.value)) option.items.push_back(item_of(option, part));
    }
    options.push_back(std::move(option));
  }
  return options;
}

}  // namespace visor::test

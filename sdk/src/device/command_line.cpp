// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/command_line.hpp"

#include "visor/core/error.hpp"

namespace visor::sdk {

void CommandLine::append(std::string_view option, std::string value, bool has_value) {
  if (option.size() < 2 || option.front() != '-' || !is_property_name(option)) {
    throw Error(Errc::invalid_config, "'" + std::string{option} + "' is no name of an option");
  }
  arguments_.push_back({section_, std::string{option}, std::move(value), reason_, has_value});
}

void CommandLine::flag(std::string_view option) { append(option, {}, false); }

void CommandLine::plain(std::string_view option, std::string_view value) {
  if (breaks_arguments(value)) {
    throw Error(Errc::invalid_config, "The value of " + std::string{option} + " must not contain a NUL or a newline");
  }
  append(option, std::string{value}, true);
}

void CommandLine::add(std::string_view option, const PropertyBag& bag) { append(option, bag.to_option(), true); }

std::vector<std::string> CommandLine::argv(std::string_view program) const {
  std::vector<std::string> argv{std::string{program}};
  for (const auto& argument : arguments_) {
    argv.push_back(argument.option);
    if (argument.has_value) argv.push_back(argument.value);
  }
  return argv;
}

}  // namespace visor::sdk

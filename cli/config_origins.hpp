// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/error.hpp"
#include "visor/runtime/config_file.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace visor::cli {

/// Where the parts of a configuration came from: a place in a file, or an option of the command.
class ConfigOrigins {
 public:
  ConfigOrigins() = default;
  /// What a file says; `name` stands for it in texts.
  ConfigOrigins(std::string name, ConfigMarks marks) : name_{std::move(name)}, marks_{std::move(marks)} {}
  /// An option ("--set memory.size") says what is at this path and below it.
  void add_option(std::string_view path, std::string option);

  /// "vm.yaml:3:1" or "--set memory.size" of what was said there or below it; empty: the default stands.
  [[nodiscard]] std::string of(std::string_view path) const;
  /// The same error with the place before each line that begins with a field: "vm.yaml:9:5: devices[1].mac: …".
  [[nodiscard]] Error with_places(const Error& error) const;

 private:
  [[nodiscard]] std::string place_of(std::string_view path) const;
  [[nodiscard]] std::string place_above(std::string_view path) const;

  std::string name_;
  ConfigMarks marks_;
  std::vector<std::pair<std::string, std::string>> options_;
};

/// Calls, with the places of the configuration in the error that it throws.
template <class Call>
auto placed(const ConfigOrigins& origins, const Call& call) {
  try {
    return call();
  } catch (const Error& error) {
    throw origins.with_places(error);
  }
}

}  // namespace visor::cli

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "command_line.hpp"
#include "visor/core/value.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace visor::testing {

/// What kind of machine the fake is, told by -machine.
enum class Target { x86_64, aarch64, ppc64, s390x };
Target target_of(const CommandLine& line);
std::string to_string(Target target);

/// The vCPUs: those that are there, and the places for more.
class Cpus {
 public:
  explicit Cpus(const CommandLine& line);

  /// query-cpus-fast and query-hotpluggable-cpus.
  [[nodiscard]] Value list() const;
  [[nodiscard]] Value places() const;

  static bool is_cpu(const std::string& driver);
  /// The place that the properties name; refuses one that is taken or is none.
  [[nodiscard]] std::size_t find_place(const std::string& driver, const Value& properties) const;
  void plug(std::size_t place, std::string path) { paths_.at(place) = std::move(path); }
  void unplug(std::size_t place) { paths_.at(place).clear(); }

 private:
  [[nodiscard]] Value properties(std::size_t place) const;
  [[nodiscard]] std::uint64_t id(const std::string& driver, const Value& properties, const std::string& key,
                                 std::uint64_t count) const;
  [[noreturn]] void refuse_taken(std::size_t place) const;

  Target target_;
  bool pluggable_;
  Topology topology_;
  std::string type_;
  std::vector<std::string> paths_;  // empty: nothing is there
};

}  // namespace visor::testing

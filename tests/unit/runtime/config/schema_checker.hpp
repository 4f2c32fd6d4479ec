// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"

#include <map>
#include <regex>
#include <string>

namespace visor::testing {

/// Checks values against a JSON Schema. It knows the keywords that the project's schema uses and fails on any other, so
/// that none is passed over in silence.
class SchemaChecker {
 public:
  explicit SchemaChecker(Value schema) : root_{std::move(schema)} {}

  bool accepts(const Value& value) { return accepts(root_, value); }

 private:
  bool accepts(const Value& schema, const Value& value);
  bool keyword(const Value& schema, const std::string& name, const Value& argument, const Value& value);
  bool object_keyword(const Value& schema, const std::string& name, const Value& argument, const Value& value);
  std::size_t matching(const Value& schemas, const Value& value);
  bool matches(const std::string& pattern, const std::string& text);

  Value root_;
  std::map<std::string, std::regex> patterns_;
};

}  // namespace visor::testing

// SPDX-License-Identifier: Apache-2.0
#include "schema_checker.hpp"

#include <algorithm>
#include <stdexcept>

namespace visor::testing {
namespace {

bool has_type(const std::string& type, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null:
      return type == "null";
    case Value::Kind::boolean:
      return type == "boolean";
    case Value::Kind::integer:
      return type == "integer" || type == "number";
    case Value::Kind::number:
      return type == "number";
    case Value::Kind::string:
      return type == "string";
    case Value::Kind::list:
      return type == "array";
    case Value::Kind::map:
      return type == "object";
  }
  return false;
}

bool is_negative(const Value& integer) {
  try {
    static_cast<void>(integer.as_uint());
    return false;
  } catch (const std::exception&) {
    return true;
  }
}

}  // namespace

bool SchemaChecker::accepts(const Value& schema, const Value& value) {
  return std::ranges::all_of(schema.as_map(),
                             [&](const auto& member) { return keyword(schema, member.first, member.second, value); });
}

std::size_t SchemaChecker::matching(const Value& schemas, const Value& value) {
  std::size_t count = 0;
  for (const auto& schema : schemas.as_list()) count += accepts(schema, value) ? 1U : 0U;
  return count;
}

bool SchemaChecker::matches(const std::string& pattern, const std::string& text) {
  auto found = patterns_.find(pattern);
  if (found == patterns_.end()) found = patterns_.emplace(pattern, std::regex{pattern}).first;
  return std::regex_search(text, found->second);
}

bool SchemaChecker::keyword(const Value& schema, const std::string& name, const Value& argument, const Value& value) {
  if (name.starts_with("$") || name == "title" || name == "description" || name == "default") {
    if (name != "$ref") return true;
    const auto target = argument.as_string().substr(std::string{"#/$defs/"}.size());
    return accepts(root_.at("$defs").at(target), value);
  }
  if (name == "type") return has_type(argument.as_string(), value);
  if (name == "const") return value == argument;
  if (name == "enum") return std::ranges::count(argument.as_list(), value) == 1;
  if (name == "anyOf") return matching(argument, value) >= 1;
  if (name == "oneOf") return matching(argument, value) == 1;
  if (name == "minimum" || name == "maximum") {
    if (value.kind() != Value::Kind::integer) return true;
    if (is_negative(value)) return name == "maximum";
    return name == "minimum" ? value.as_uint() >= argument.as_uint() : value.as_uint() <= argument.as_uint();
  }
  if (name == "minLength") return !value.is_string() || value.as_string().size() >= argument.as_uint();
  if (name == "maxLength") return !value.is_string() || value.as_string().size() <= argument.as_uint();
  if (name == "pattern") return !value.is_string() || matches(argument.as_string(), value.as_string());
  if (name == "items") {
    return value.kind() != Value::Kind::list ||
           std::ranges::all_of(value.as_list(), [&](const auto& item) { return accepts(argument, item); });
  }
  return object_keyword(schema, name, argument, value);
}

bool SchemaChecker::object_keyword(const Value& schema, const std::string& name, const Value& argument,
                                   const Value& value) {
  if (name == "required") {
    return !value.is_map() || std::ranges::all_of(argument.as_list(), [&](const auto& key) {
      return value.find(key.as_string()) != nullptr;
    });
  }
  if (name == "properties") {
    return !value.is_map() || std::ranges::all_of(value.as_map(), [&](const auto& member) {
      const auto* sub = argument.find(member.first);
      return sub == nullptr || accepts(*sub, member.second);
    });
  }
  if (name == "additionalProperties" && argument == Value{false}) {
    return !value.is_map() || std::ranges::all_of(value.as_map(), [&](const auto& member) {
      return schema.at("properties").find(member.first) != nullptr;
    });
  }
  throw std::logic_error("the checker does not know the keyword " + name);
}

}  // namespace visor::testing

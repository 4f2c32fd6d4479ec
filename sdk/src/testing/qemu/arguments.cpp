// SPDX-License-Identifier: Apache-2.0
#include "arguments.hpp"

#include "refusal.hpp"
#include "visor/core/json.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace visor::testing {

Arguments::Arguments(const Value& values, std::string path) : values_{values}, path_{std::move(path)} {
  if (!values.is_map() && !values.is_null()) refuse("QMP input member 'arguments' must be an object");
}

void Arguments::refuse_type(std::string_view key, const char* expected) const {
  refuse("Invalid parameter type for '" + path_ + std::string{key} + "', expected: " + expected);
}

void Arguments::refuse_missing(std::string_view key) const {
  refuse("Parameter '" + path_ + std::string{key} + "' is missing");
}

const Value* Arguments::find(std::string_view key) {
  asked_.emplace(key);
  return values_.find(key);
}

std::string Arguments::text(std::string_view key) {
  const auto* const value = find(key);
  if (value == nullptr) refuse_missing(key);
  if (!value->is_string()) refuse_type(key, "string");
  return value->as_string();
}

std::string Arguments::text(std::string_view key, std::string otherwise) {
  return find(key) == nullptr ? std::move(otherwise) : text(key);
}

std::optional<bool> Arguments::boolean(std::string_view key) {
  const auto* const value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->kind() != Value::Kind::boolean) refuse_type(key, "boolean");
  return value->as_bool();
}

const Value& Arguments::map(std::string_view key) {
  const auto* const value = find(key);
  if (value == nullptr) refuse_missing(key);
  if (!value->is_map()) refuse_type(key, "object");
  return *value;
}

void Arguments::refuse_rest() const {
  if (values_.is_null()) return;
  for (const auto& [key, value] : values_.as_map()) {
    if (!asked_.contains(key)) refuse("Parameter '" + path_ + key + "' is unexpected");
  }
}

std::optional<std::uint64_t> number_of(const Value& value) {
  auto text = text_of(value);
  const bool hex = text.starts_with("0x");
  if (hex) text.erase(0, 2);
  std::uint64_t number = 0;
  const auto* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number, hex ? 16 : 10);
  if (error != std::errc{}) return std::nullopt;
  if (end == last) return number;
  constexpr std::string_view units = "KMGT";
  const auto unit = units.find(*end);
  if (end + 1 != last || unit == std::string_view::npos) return std::nullopt;
  const auto shift = 10 * (unit + 1);
  return number > (~std::uint64_t{0} >> shift) ? std::nullopt : std::optional{number << shift};
}

std::string text_of(const Value& value) { return value.is_string() ? value.as_string() : to_json(value); }

bool is_identifier(std::string_view id) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto rest = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'; };
  return !id.empty() && letter(id.front()) && std::ranges::all_of(id, rest);
}

}  // namespace visor::testing

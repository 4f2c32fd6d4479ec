// SPDX-License-Identifier: Apache-2.0
#include "script_fields.hpp"

#include "script_text.hpp"
#include "visor/core/error.hpp"

#include <optional>

namespace visor::testing {
namespace {

[[noreturn]] void fail_kind(const Value& value, std::string_view key, std::string_view file, const std::string& wanted,
                            const std::string& advice = {}) {
  fail_at(file, value.mark(),
          "'" + std::string{key} + "' must be " + wanted + ", not " + std::string{to_string(value.kind())} + advice);
}

std::optional<std::uint64_t> unsigned_of(const Value& value) {
  if (value.kind() != Value::Kind::integer) return std::nullopt;
  try {
    return value.as_uint();
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

const std::string& need_text(const Value& value, std::string_view key, std::string_view file) {
  const bool quotes_help = !value.is_null() && !value.is_map() && !value.is_list();
  if (!value.is_string()) fail_kind(value, key, file, "a text", quotes_help ? ": put it in quotes" : "");
  return value.as_string();
}

Value need_map(const Value& value, std::string_view key, std::string_view file) {
  if (!value.is_map()) fail_kind(value, key, file, "a map");
  return value;
}

const Value::List& need_list(const Value& value, std::string_view key, std::string_view file) {
  if (!value.is_list()) fail_kind(value, key, file, "a list");
  return value.as_list();
}

std::uint64_t need_number(const Value& value, std::string_view key, std::string_view file, std::uint64_t least,
                          std::uint64_t most) {
  const auto number = unsigned_of(value);
  if (!number || *number < least || *number > most) {
    fail_at(file, value.mark(),
            "'" + std::string{key} + "' must be a whole number from " + std::to_string(least) + " to " +
                std::to_string(most));
  }
  return *number;
}

Fields::Fields(const Value& map, std::string_view file, std::string_view what) : map_{map}, file_{file}, what_{what} {
  if (!map.is_map()) fail(map, std::string{what} + " must be a map, not " + std::string{to_string(map.kind())});
}

const Value* Fields::take(std::string_view key) {
  const auto* const member = map_.find(key);
  if (member != nullptr) taken_.emplace(key);
  return member;
}

std::string Fields::text(std::string_view key, const std::string& otherwise) {
  const auto* const member = take(key);
  return member == nullptr ? otherwise : need_text(*member, key, file_);
}

std::uint64_t Fields::number(std::string_view key, std::uint64_t otherwise, std::uint64_t least, std::uint64_t most) {
  const auto* const member = take(key);
  return member == nullptr ? otherwise : need_number(*member, key, file_, least, most);
}

void Fields::refuse_rest() const {
  for (const auto& [key, value] : map_.as_map()) {
    if (!taken_.contains(key)) fail(value, "Unknown key '" + key + "' in " + std::string{what_});
  }
}

void Fields::fail(const Value& where, const std::string& what) const { fail_at(file_, where.mark(), what); }

}  // namespace visor::testing

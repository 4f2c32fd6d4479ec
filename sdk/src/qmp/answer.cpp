// SPDX-License-Identifier: Apache-2.0
#include "qmp/answer.hpp"

#include "visor/core/error.hpp"

namespace visor::sdk::qmp {

bool Answer::boolean() const {
  if (value_.kind() != Value::Kind::boolean) wrong_kind("true or false");
  return value_.as_bool();
}

double Answer::number() const {
  if (value_.kind() != Value::Kind::number && value_.kind() != Value::Kind::integer) wrong_kind("a number");
  return value_.as_number();
}

const std::string& Answer::text() const {
  if (!value_.is_string()) wrong_kind("a string");
  return value_.as_string();
}

const Value::List& Answer::list() const {
  if (!value_.is_list()) wrong_kind("a list");
  return value_.as_list();
}

std::int64_t Answer::signed_integer(std::int64_t min, std::int64_t max) const {
  if (value_.kind() != Value::Kind::integer) wrong_kind("an integer");
  try {
    const auto number = value_.as_int();
    if (number >= min && number <= max) return number;
  } catch (const Error&) {
    // It is above INT64_MAX, and fails as what is out of range.
  }
  fail("is out of range");
}

std::uint64_t Answer::unsigned_integer(std::uint64_t max) const {
  if (value_.kind() != Value::Kind::integer) wrong_kind("an integer");
  try {
    const auto number = value_.as_uint();
    if (number <= max) return number;
  } catch (const Error&) {
    // It is negative, and fails as what is out of range.
  }
  fail("is out of range");
}

Answer Answer::at(std::string_view key) const& {
  if (!value_.is_map()) wrong_kind("a map");
  if (const auto* const value = value_.find(key)) return Answer{*this, *value, key, 0};
  Answer{*this, value_, key, 0}.fail("is missing");
}

bool Answer::has(std::string_view key) const {
  if (!value_.is_map()) wrong_kind("a map");
  return value_.find(key) != nullptr;
}

std::optional<bool> Answer::find_boolean(std::string_view key) const {
  return has(key) ? std::optional{at(key).boolean()} : std::nullopt;
}

std::optional<std::string> Answer::find_text(std::string_view key) const {
  return has(key) ? std::optional{at(key).text()} : std::nullopt;
}

std::string Answer::place() const {
  if (!parent_) return {};
  auto before = parent_->place();
  if (key_.empty()) return before + '[' + std::to_string(index_) + ']';
  if (!before.empty()) before += '.';
  return before.append(key_);
}

void Answer::fail(std::string_view what) const {
  const auto where = place();
  throw Error(Errc::hypervisor_error, "The answer to " + std::string{command_} + " is not as documented: " +
                                          (where.empty() ? "it" : where) + ' ' + std::string{what});
}

void Answer::wrong_kind(std::string_view wanted) const {
  fail("is " + std::string{to_string(value_.kind())} + ", not " + std::string{wanted});
}

}  // namespace visor::sdk::qmp

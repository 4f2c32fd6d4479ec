// SPDX-License-Identifier: Apache-2.0
#include "visor/core/value.hpp"

#include "visor/core/error.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace visor {
namespace {

[[noreturn]] void wrong_kind(std::string_view expected, Value::Kind found) {
  throw Error(Errc::invalid_config, "Expected " + std::string{expected} + ", found " + std::string{to_string(found)});
}

template <class T, class Data>
const T& get(const Data& data, Value::Kind expected, Value::Kind found) {
  if (const auto* value = std::get_if<T>(&data)) return *value;
  wrong_kind(to_string(expected), found);
}

}  // namespace

std::string_view to_string(Value::Kind kind) noexcept {
  constexpr std::array<std::string_view, 7> names = {"nothing",  "true or false", "an integer", "a number",
                                                     "a string", "a list",        "a map"};
  return names[static_cast<std::size_t>(kind)];
}

Value::Value() noexcept = default;
Value::Value(bool value) noexcept : data_{value} {}
Value::Value(Integer, std::uint64_t bits, bool negative) noexcept : data_{Integer{bits, negative}} {}
Value::Value(double value) noexcept : data_{value} {}
Value::Value(const char* text) : data_{std::string{text}} {}
Value::Value(std::string_view text) : data_{std::string{text}} {}
Value::Value(std::string text) noexcept : data_{std::move(text)} {}
Value::Value(List list) noexcept : data_{std::move(list)} {}
Value::Value(Map map) noexcept : data_{std::move(map)} {}
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

Value Value::map(std::initializer_list<std::pair<std::string, Value>> members) { return Value{Map{members}}; }
Value Value::list(std::initializer_list<Value> items) { return Value{List{items}}; }

Value::Kind Value::kind() const noexcept { return static_cast<Kind>(data_.index()); }

bool Value::as_bool() const { return get<bool>(data_, Kind::boolean, kind()); }

std::int64_t Value::as_int() const {
  const auto& integer = get<Integer>(data_, Kind::integer, kind());
  if (!integer.negative && integer.bits > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    throw Error(Errc::invalid_config, "The integer " + std::to_string(integer.bits) + " is too large");
  }
  return static_cast<std::int64_t>(integer.bits);
}

std::uint64_t Value::as_uint() const {
  const auto& integer = get<Integer>(data_, Kind::integer, kind());
  if (integer.negative) {
    throw Error(Errc::invalid_config, "The integer " + std::to_string(as_int()) + " must not be negative");
  }
  return integer.bits;
}

double Value::as_number() const {
  if (const auto* integer = std::get_if<Integer>(&data_)) {
    return integer->negative ? static_cast<double>(as_int()) : static_cast<double>(integer->bits);
  }
  return get<double>(data_, Kind::number, kind());
}

const std::string& Value::as_string() const { return get<std::string>(data_, Kind::string, kind()); }
const Value::List& Value::as_list() const { return get<List>(data_, Kind::list, kind()); }
const Value::Map& Value::as_map() const { return get<Map>(data_, Kind::map, kind()); }

const Value* Value::find(std::string_view key) const noexcept {
  const auto* map = std::get_if<Map>(&data_);
  if (map == nullptr) return nullptr;
  const auto member = std::ranges::find(*map, key, &Map::value_type::first);
  return member == map->end() ? nullptr : &member->second;
}

const Value& Value::at(std::string_view key) const {
  if (const auto* value = find(key)) return *value;
  throw Error(Errc::invalid_config, "Missing member '" + std::string{key} + "'");
}

Value& Value::set(std::string_view key, Value value) {
  if (is_null()) data_ = Map{};
  auto* map = std::get_if<Map>(&data_);
  if (map == nullptr) wrong_kind("a map", kind());
  const auto member = std::ranges::find(*map, key, &Map::value_type::first);
  if (member == map->end()) {
    map->emplace_back(std::string{key}, std::move(value));
  } else {
    member->second = std::move(value);
  }
  return *this;
}

void Value::push_back(Value value) {
  if (is_null()) data_ = List{};
  auto* list = std::get_if<List>(&data_);
  if (list == nullptr) wrong_kind("a list", kind());
  list->push_back(std::move(value));
}

bool operator==(const Value& a, const Value& b) noexcept { return a.data_ == b.data_; }

}  // namespace visor

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "describe_enums.hpp"
#include "visor/core/value.hpp"
#include "visor/core/vm_config.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// How each type of member looks in a configuration file. decode… throws Error(invalid_config) saying what was
/// expected.
namespace visor::detail {

/// Error(invalid_config): "Expected <expected>, found <what the value is>".
[[noreturn]] void throw_expected(std::string_view expected, const Value& value);

/// The candidate that `text` was most likely meant to be; empty when none is near.
std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates);
/// "a, b, c"
std::string joined(std::span<const std::string_view> words);

/// A number that may be written with a unit: "bytes" or "ms". Any other unit: only the number.
std::uint64_t decode_number(const Value& value, std::string_view unit);
std::uint64_t decode_size_mib(const Value& value);
std::size_t decode_choice(const Value& value, std::span<const std::string_view> names);
void decode(const Value& value, bool& member);
void decode(const Value& value, std::string& member);
/// A text of several lines, at most max_document bytes.
std::string decode_document(const Value& value);
void decode(const Value& value, std::vector<std::string>& member);
void decode(const Value& value, Params& member);
void decode(const Value& value, Value& member);

Value encode_params(const Params& params);
Value encode_texts(const std::vector<std::string>& texts);

template <class Enum>
  requires std::is_enum_v<Enum>
void decode(const Value& value, Enum& member) {
  member = static_cast<Enum>(decode_choice(value, enum_names<Enum>));
}

[[noreturn]] void throw_too_large(std::uint64_t number, std::uint64_t limit);

template <class Number>
void store_number(std::uint64_t number, Number& member) {
  constexpr std::uint64_t limit = std::numeric_limits<Number>::max();
  if (number > limit) throw_too_large(number, limit);
  member = static_cast<Number>(number);
}

template <class Number>
void store_number(std::uint64_t number, std::optional<Number>& member) {
  Number stored{};
  store_number(number, stored);
  member = stored;
}

}  // namespace visor::detail

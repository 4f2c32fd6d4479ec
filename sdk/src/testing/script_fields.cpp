// SPDX-License-Identifier: Apache-2.0
#include "script_fields.hpp"

#include "script_text.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace visor::testing {
namespace {

/// How it is written right, by key, and by what a map is.
constexpr std::array<std::pair<std::string_view, std::string_view>, 37> examples{{
    {"a script", "steps: [greet, negotiate]"},
    {"a step", "expect: query-status"},
    {"a greeting", "greet: {major: 9, minor: 2}"},
    {"an exchange", "{expect: query-status, reply: {}}"},
    {"a time", "time: {seconds: 1700000000, microseconds: 0}"},
    {"any_order", "any_order: [{expect: query-status, reply: {}}]"},
    {"arguments", "arguments: {id: disk0}"},
    {"before", "before: 1"},
    {"capabilities", "capabilities: [oob]"},
    {"class", "class: DeviceNotFound"},
    {"data", "data: {device: disk0}"},
    {"delay", "delay: 20ms"},
    {"end", "end: close"},
    {"error", "error: \"Device 'disk0' not found\""},
    {"event", "event: DEVICE_DELETED"},
    {"exit", "exit: 1"},
    {"expect", "expect: query-status"},
    {"gate", "gate: plugged"},
    {"glue", "glue: [greet, {event: RESUME}]"},
    {"hex", "hex: \"0a ff\""},
    {"largest", "largest: 64"},
    {"major", "major: 9"},
    {"micro", "micro: 0"},
    {"microseconds", "microseconds: 0"},
    {"minor", "minor: 2"},
    {"package", "package: \"9.2.1\""},
    {"raw", "raw: \"{}\""},
    {"repeat", "repeat: 3"},
    {"seconds", "seconds: 1700000000"},
    {"seed", "seed: 7"},
    {"serve", "serve: [{expect: query-status, reply: {}}]"},
    {"split", "split: 4"},
    {"stderr", "stderr: \"no luck\""},
    {"steps", "steps: [greet, negotiate]"},
    {"subset", "subset: {driver: virtio-blk-pci}"},
    {"then", "then: [{event: RESUME}]"},
    {"until", "until: quit"},
}};

std::string example_of(std::string_view name) {
  const auto* const found = std::ranges::find(examples, name, &decltype(examples)::value_type::first);
  return found == examples.end() ? "" : ": for example " + std::string{found->second};
}

std::string describe(const Value& value) {
  constexpr std::size_t longest = 60;
  if (value.is_null()) return "nothing";
  if (value.is_map()) return "a map";
  if (value.is_list()) return "a list";
  const auto text = to_json(value);
  if (value.is_string() && text.size() > longest) return "this long text";
  if (value.is_string()) return "the text " + text;
  return text == "true" || text == "false" ? text : "the number " + text;
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

void fail_value(const Value& value, std::string_view key, std::string_view file, const std::string& wanted) {
  fail_at(file, value.mark(),
          "'" + std::string{key} + "' must be " + wanted + ", not " + describe(value) + example_of(key));
}

const std::string& need_text(const Value& value, std::string_view key, std::string_view file) {
  if (!value.is_string()) fail_value(value, key, file, "a text");
  return value.as_string();
}

Value need_map(const Value& value, std::string_view key, std::string_view file) {
  if (!value.is_map()) fail_value(value, key, file, "a map");
  return value;
}

const Value::List& need_list(const Value& value, std::string_view key, std::string_view file) {
  if (!value.is_list()) fail_value(value, key, file, "a list");
  return value.as_list();
}

std::uint64_t need_number(const Value& value, std::string_view key, std::string_view file, std::uint64_t least,
                          std::uint64_t most) {
  const auto number = unsigned_of(value);
  if (!number || *number < least || *number > most) {
    fail_value(value, key, file, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return *number;
}

Fields::Fields(const Value& map, std::string_view file, std::string_view what) : map_{map}, file_{file}, what_{what} {
  if (!map.is_map()) fail(map, std::string{what} + " must be a map, not " + describe(map) + example_of(what));
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

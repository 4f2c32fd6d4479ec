// SPDX-License-Identifier: Apache-2.0
// Option text as QEMU reads it, written from QEMU's rules alone (qemu: util/keyval.c, util/qemu-option.c): items are
// parted by commas, a comma in a value is doubled, a key ends at its '='.
#pragma once
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace visor::fuzz {

/// The head has an empty key.
using Pairs = std::vector<std::pair<std::string, std::string>>;

inline bool is_clean_key(std::string_view key) {
  return !key.empty() && std::ranges::all_of(key, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '[' || c == ']' || c == '+';
  });
}

/// Takes a value from the text, up to and with the comma that ends it.
inline std::string take_value(std::string_view& rest) {
  std::string value;
  std::size_t at = 0;
  for (; at < rest.size(); ++at) {
    if (rest[at] == ',' && (at + 1 == rest.size() || rest[at + 1] != ',')) break;
    if (rest[at] == ',') ++at;
    value += rest[at];
  }
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return value;
}

/// Nothing where QEMU would see a key without a value, an unclean key or one twice.
inline std::optional<Pairs> parse_keyval(std::string_view rest, bool head) {
  Pairs pairs;
  if (rest.ends_with(',') && !rest.ends_with(",,")) return std::nullopt;
  while (!rest.empty()) {
    const auto end = rest.find_first_of("=,");
    std::string key;
    if (end != std::string_view::npos && rest[end] == '=') {
      key = rest.substr(0, end);
      rest.remove_prefix(end + 1);
      if (!is_clean_key(key)) return std::nullopt;
    } else if (!head || !pairs.empty()) {
      return std::nullopt;
    }
    if (std::ranges::any_of(pairs, [&](const auto& pair) { return pair.first == key; })) return std::nullopt;
    auto value = take_value(rest);
    pairs.emplace_back(std::move(key), std::move(value));
  }
  return pairs;
}

inline const std::string* find_value(const Pairs& pairs, std::string_view key) {
  const auto found = std::ranges::find(pairs, key, &Pairs::value_type::first);
  return found == pairs.end() ? nullptr : &found->second;
}

}  // namespace visor::fuzz

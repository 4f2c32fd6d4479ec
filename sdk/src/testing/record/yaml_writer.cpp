// SPDX-License-Identifier: Apache-2.0
#include "yaml_writer.hpp"

#include "visor/core/json.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <string_view>
#include <vector>

namespace visor::testing {
namespace {

using Lines = std::vector<std::string>;

constexpr std::size_t most_columns = 120;
constexpr std::size_t least_columns = 40;  // of a text that is broken into lines, however deep it stands

bool is_plain(std::string_view text) {
  constexpr std::array words = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto rest = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '/'; };
  if (text.empty() || !letter(text.front()) || !std::ranges::all_of(text, rest)) return false;
  std::string low{text};
  std::ranges::transform(low, low.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::find(words, low) == words.end();
}

/// JSON's escapes are YAML's as well; DEL is none of JSON's.
std::string in_quotes(std::string_view text) {
  auto json = to_json(Value{text});
  for (auto at = json.find('\x7f'); at != std::string::npos; at = json.find('\x7f', at)) json.replace(at, 1, "\\x7f");
  return json;
}

std::string word(std::string_view text) { return is_plain(text) ? std::string{text} : in_quotes(text); }

/// The value on one line.
std::string flow(const Value& value) {
  std::string all;
  if (value.is_map()) {
    for (const auto& [key, member] : value.as_map()) {
      all += (all.empty() ? "" : ", ") + word(key) + ": " + flow(member);
    }
    return "{" + all + "}";
  }
  if (value.is_list()) {
    for (const auto& item : value.as_list()) all += (all.empty() ? "" : ", ") + flow(item);
    return "[" + all + "]";
  }
  return value.is_string() ? word(value.as_string()) : to_json(value);
}

/// A quoted text in pieces that YAML puts together again. None ends inside of an escape or of a character.
Lines folded(std::string_view text, std::size_t width) {
  width = std::max(width, least_columns) - 2;  // the sign that the line goes on, and that of a blank at its beginning
  Lines lines(1);
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = text[at] != '\\' ? 1 : text[at + 1] == 'u' ? 6 : text[at + 1] == 'x' ? 4 : 2;
    while (at + length < text.size() && (static_cast<unsigned char>(text[at + length]) & 0xC0U) == 0x80U) ++length;
    if (lines.back().size() + length > width) {
      lines.back() += '\\';
      lines.emplace_back(text[at] == ' ' ? "\\" : "");
    }
    lines.back() += text.substr(at, length);
    at += length;
  }
  return lines;
}

Lines block(const Value& value, std::size_t width);

void add(Lines& lines, const std::string& first, const std::string& later, const Lines& more) {
  for (const auto& line : more) lines.push_back((&line == &more.front() ? first : later) + line);
}

Lines block_of_map(const Value& value, std::size_t width) {
  Lines lines;
  for (const auto& [key, member] : value.as_map()) {
    const auto start = word(key) + ": ";
    const auto line = flow(member);
    if (start.size() + line.size() <= width) {
      lines.push_back(start + line);
    } else if (member.is_string()) {
      add(lines, start, "  ", folded(in_quotes(member.as_string()), width - std::min(width, start.size())));
    } else {
      lines.push_back(word(key) + ":");
      add(lines, "  ", "  ", block(member, width - 2));
    }
  }
  return lines;
}

Lines block(const Value& value, std::size_t width) {
  const auto line = flow(value);
  if (line.size() <= width) return {line};
  width = std::max(width, least_columns);
  if (value.is_map()) return block_of_map(value, width);
  if (value.is_string()) return folded(in_quotes(value.as_string()), width);  // a plain word cannot be broken
  if (!value.is_list()) return {line};
  Lines lines;
  for (const auto& item : value.as_list()) add(lines, "- ", "  ", block(item, width - 2));
  return lines;
}

}  // namespace

std::string write_yaml(const Value& value) {
  std::string text;
  for (const auto& line : block(value, most_columns)) text += line + '\n';
  return text;
}

std::string write_yaml_items(const std::vector<Value>& items) {
  constexpr std::size_t width = most_columns - 4;
  std::string text;
  for (const auto& item : items) {
    Lines lines;
    const bool has_members = item.is_map() && !item.as_map().empty();
    add(lines, "  - ", "    ", has_members ? block_of_map(item, width) : block(item, width));
    for (const auto& line : lines) text += line + '\n';
  }
  return text;
}

}  // namespace visor::testing

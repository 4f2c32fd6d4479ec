// SPDX-License-Identifier: Apache-2.0
#include "explanation.hpp"

#include "output.hpp"
#include "visor/core/describe.hpp"
#include "visor/runtime/log_sink.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace visor::cli {
namespace {

/// Longer arguments have their reason on a line of its own.
constexpr std::size_t widest_argument = 44;

std::string argument_of(const CommandPart& part) {
  std::string text;
  for (const auto& word : part.words) text += (text.empty() ? "" : " ") + shell_word(word);
  return printable(text);
}

std::string reason_of(const CommandPart& part, const ConfigOrigins& origins) {
  if (part.reason.empty()) return "the plugin does not say why";
  if (!is_config_field(part.reason)) return printable(part.reason);
  const auto place = origins.of(part.reason);
  return printable(part.reason + " (" + (place.empty() ? "default" : place) + ")");
}

std::size_t reason_column(const std::vector<CommandPart>& parts) {
  std::size_t width = 0;
  for (const auto& part : parts) {
    const auto size = shown_width(argument_of(part));
    if (size <= widest_argument) width = std::max(width, size);
  }
  return width + 2;
}

}  // namespace

/// A word that a POSIX shell reads as this text.
std::string shell_word(const std::string& text) {
  constexpr std::string_view harmless = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!text.empty() && text.find_first_not_of(harmless) == std::string::npos) return text;
  std::string word = "'";
  for (const char c : text) c == '\'' ? word += "'\\''" : word += c;
  return word + "'";
}

std::string explanation(const std::vector<CommandPart>& parts, const ConfigOrigins& origins) {
  const auto column = reason_column(parts);
  std::string text;
  const std::string* section = nullptr;
  for (const auto& part : parts) {
    if (section == nullptr || *section != part.section) {
      text += (section == nullptr ? "" : "\n") + printable(part.section) + ":\n";
    }
    section = &part.section;
    const auto argument = argument_of(part);
    const auto width = shown_width(argument);
    text += "  " + argument;
    width + 2 > column ? text += "\n  " + std::string(column, ' ') : text.append(column - width, ' ');
    text += reason_of(part, origins) + "\n";
  }
  return text;
}

Value explanation_value(const std::vector<CommandPart>& parts, const ConfigOrigins& origins) {
  Value::List list;
  for (const auto& part : parts) {
    auto value = Value::map({{"section", part.section},
                             {"words", Value::List{part.words.begin(), part.words.end()}},
                             {"reason", part.reason}});
    if (is_config_field(part.reason)) {
      const auto place = origins.of(part.reason);
      value.set("from", place.empty() ? "default" : place);
    }
    list.push_back(std::move(value));
  }
  return list;
}

}  // namespace visor::cli

// SPDX-License-Identifier: Apache-2.0
#include "config_scalar.hpp"

#include "visor/core/json.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace visor::detail {
namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

std::size_t digits_at(std::string_view text, std::size_t begin) {
  auto end = begin;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end - begin;
}

/// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool looks_like_number(std::string_view text) {
  std::size_t at = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  const auto whole = digits_at(text, at);
  at += whole;
  std::size_t fraction = 0;
  if (at < text.size() && text[at] == '.') {
    fraction = digits_at(text, ++at);
    at += fraction;
  }
  if (whole + fraction == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    const auto exponent = digits_at(text, at);
    if (exponent == 0) return false;
    at += exponent;
  }
  return at == text.size();
}

template <class Number>
std::optional<Number> parse(std::string_view text, int base) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Value> resolve_integer(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0o")) {
    if (const auto number = parse<std::uint64_t>(text.substr(2), text[1] == 'x' ? 16 : 8)) return Value{*number};
    return std::nullopt;
  }
  if (const auto number = parse<std::uint64_t>(text.starts_with('+') ? text.substr(1) : text, 10))
    return Value{*number};
  if (const auto number = parse<std::int64_t>(text, 10)) return Value{*number};
  return std::nullopt;
}

double parse_double(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc::result_out_of_range ? std::numeric_limits<double>::infinity() : number;
}

}  // namespace

Value resolve_scalar(const std::string& text) {
  if (text == "true" || text == "True" || text == "TRUE") return Value{true};
  if (text == "false" || text == "False" || text == "FALSE") return Value{false};
  if (auto integer = resolve_integer(text)) return *std::move(integer);
  if (looks_like_number(text)) return Value{parse_double(text)};
  return Value{text};
}

std::optional<TextProblem> find_text_problem(std::string_view text) {
  Mark mark{1, 1};
  while (!text.empty()) {
    const auto length = utf8_length(text);
    if (length == 0) return TextProblem{mark, "This is not UTF-8 text"};
    const char c = text.front();
    // yaml-cpp takes 0x04 for the end of the text and would drop what comes after it.
    if ((c >= 0 && c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == '\x7f') {
      return TextProblem{mark, "A control character is not allowed"};
    }
    mark = c == '\n' ? Mark{mark.line + 1, 1} : Mark{mark.line, mark.column + static_cast<std::uint32_t>(length)};
    text.remove_prefix(length);
  }
  return std::nullopt;
}

}  // namespace visor::detail

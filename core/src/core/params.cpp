// SPDX-License-Identifier: Apache-2.0
#include "visor/core/params.hpp"

#include "visor/core/error.hpp"

#include <algorithm>

namespace visor {
namespace {

constexpr bool is_blank(char c) noexcept { return c == ' '; }

/// The kernel drops quotes around a whole parameter and around its value alone; they only keep blanks together.
std::string without_quotes(std::string text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
  const auto equals = text.find('=');
  if (equals != std::string::npos && text.size() >= equals + 3 && text[equals + 1] == '"' && text.back() == '"') {
    text.pop_back();
    text.erase(equals + 1, 1);
  }
  return text;
}

void check_kernel_param(const Param& param) {
  const auto name = "Kernel parameter '" + param.key + "'";
  if (param.key.empty()) {
    throw Error(Errc::invalid_config, "Empty kernel parameter: '" + param.value + "' needs a name before its value");
  }
  for (const auto* text : {&param.key, &param.value}) {
    if (std::ranges::any_of(*text, [](char c) { return c == '"' || c == '\n' || c == '\r' || c == '\0'; })) {
      throw Error(Errc::invalid_config, name + " must not contain a double quote, a newline or a NUL");
    }
  }
  if (std::ranges::any_of(param.key, is_blank) || param.key.find('=') != std::string::npos) {
    throw Error(Errc::invalid_config, name + " must not have a blank or '=' in its name: write two parameters");
  }
}

}  // namespace

std::vector<std::string> serialize_params(const Params& params, std::string_view delimiter) {
  std::vector<std::string> texts;
  for (const auto& [key, value] : params) {
    if (key.empty() || value.empty()) {
      if (!key.empty() || !value.empty()) texts.push_back(key + value);
    } else if (delimiter.empty()) {
      texts.push_back(key);
      texts.push_back(value);
    } else {
      texts.push_back(key + std::string{delimiter} + value);
    }
  }
  return texts;
}

Params deserialize_params(const std::vector<std::string>& texts) {
  Params params;
  for (const auto& text : texts) {
    if (text.empty()) continue;
    const auto equals = text.find('=');
    params.push_back({text.substr(0, equals), equals == std::string::npos ? "" : text.substr(equals + 1)});
  }
  return params;
}

std::vector<std::string> split_kernel_line(std::string_view line) {
  std::vector<std::string> parts;
  std::string part;
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (is_blank(c) && !quoted) {
      if (!part.empty()) parts.push_back(std::move(part));
      part.clear();
    } else {
      part += c;
    }
  }
  if (quoted) {
    throw Error(Errc::invalid_config, "Kernel parameters have a double quote that is not closed: " + std::string{line});
  }
  if (!part.empty()) parts.push_back(std::move(part));
  return parts;
}

Params parse_kernel_params(const std::vector<std::string>& texts) {
  std::vector<std::string> bare;
  bare.reserve(texts.size());
  for (const auto& text : texts) bare.push_back(without_quotes(text));
  auto params = deserialize_params(bare);
  for (const auto& param : params) check_kernel_param(param);
  return params;
}

void add_param(Params& params, std::string key, std::string value) {
  if (key.empty()) throw Error(Errc::invalid_config, "Empty kernel parameter: give it a name");
  params.push_back({std::move(key), std::move(value)});
}

std::string kernel_line(const Params& params) {
  std::string line;
  for (const auto& param : params) {
    check_kernel_param(param);
    if (!line.empty()) line += ' ';
    line += param.key;
    if (param.value.empty()) continue;
    const bool quote = std::ranges::any_of(param.value, [](char c) { return is_blank(c) || c == '\t'; });
    line += quote ? "=\"" + param.value + "\"" : "=" + param.value;
  }
  return line;
}

}  // namespace visor

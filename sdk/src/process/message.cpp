// SPDX-License-Identifier: Apache-2.0
#include "message.hpp"

#include <algorithm>
#include <charconv>

namespace visor::sdk::wire {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

void escape(std::string_view value, std::string& out) {
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += c;
    }
  }
}

bool unescape_one(std::string_view& rest, std::string& out) {
  if (rest.size() < 2) return false;
  const char kind = rest[1];
  if (kind == '\\' || kind == 'n') {
    out += kind == 'n' ? '\n' : '\\';
    rest.remove_prefix(2);
    return true;
  }
  if (kind != 'x' || rest.size() < 4) return false;
  const auto high = digits.find(rest[2]);
  const auto low = digits.find(rest[3]);
  if (high == std::string_view::npos || low == std::string_view::npos) return false;
  out += static_cast<char>(high << 4 | low);
  rest.remove_prefix(4);
  return true;
}

bool unescape(std::string_view value, std::string& out) {
  out.reserve(value.size());
  while (!value.empty()) {
    if (value.front() == '\\') {
      if (!unescape_one(value, out)) return false;
      continue;
    }
    const auto plain = std::min(value.find('\\'), value.size());
    out += value.substr(0, plain);
    value.remove_prefix(plain);
  }
  return true;
}

std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

}  // namespace

Message& Message::add(std::string_view key, std::string_view value) {
  fields_.emplace_back(key, value);
  return *this;
}

Message& Message::add(std::string_view key, std::uint64_t value) { return add(key, std::to_string(value)); }

Message& Message::body(std::string_view bytes) {
  body_ = bytes;
  return *this;
}

std::string_view Message::get(std::string_view key) const noexcept {
  for (const auto& [name, value] : fields_) {
    if (name == key) return value;
  }
  return {};
}

std::uint64_t Message::number(std::string_view key, std::uint64_t fallback) const noexcept {
  return parse_number(get(key)).value_or(fallback);
}

std::vector<std::string_view> Message::all(std::string_view key) const {
  std::vector<std::string_view> values;
  for (const auto& [name, value] : fields_) {
    if (name == key) values.push_back(value);
  }
  return values;
}

std::string Message::encode() const {
  std::string out = verb_ + '\n';
  for (const auto& [key, value] : fields_) {
    out += key;
    out += '=';
    escape(value, out);
    out += '\n';
  }
  if (!body_.empty()) out.append("\n").append(body_);
  return out;
}

std::optional<Message> Message::parse(std::string_view text) {
  Message message(take_line(text));
  if (message.verb_.empty() || message.verb_.find('=') != std::string::npos) return std::nullopt;
  while (!text.empty()) {
    const auto line = take_line(text);
    if (line.empty()) {
      message.body_ = text;
      break;
    }
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) return std::nullopt;
    std::string value;
    if (!unescape(line.substr(equals + 1), value)) return std::nullopt;
    message.fields_.emplace_back(line.substr(0, equals), std::move(value));
  }
  return message;
}

std::optional<std::uint64_t> parse_number(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::string_view take_word(std::string_view& rest) noexcept {
  const auto end = rest.find(' ');
  const auto word = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return word;
}

}  // namespace visor::sdk::wire

// SPDX-License-Identifier: Apache-2.0
#include "describe_codec.hpp"

#include "visor/core/describe.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"

#include <algorithm>
#include <numeric>

namespace visor::detail {
namespace {

constexpr bool is_control(char c) noexcept { return (c >= 0 && c < ' ') || c == '\x7f'; }
constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

/// A value in a message: short, and on one line.
std::string shown(const Value& value) {
  constexpr std::size_t longest = 40;
  switch (value.kind()) {
    case Value::Kind::boolean:
      return value.as_bool() ? "true" : "false";
    case Value::Kind::string: {
      const auto& whole = value.as_string();
      auto end = std::min(longest, whole.size());
      while (end < whole.size() && end > 0 && (static_cast<unsigned char>(whole[end]) & 0xC0U) == 0x80U) --end;
      auto text = whole.substr(0, end);
      std::ranges::replace_if(text, is_control, '?');
      return "the text '" + text + (end < whole.size() ? "…'" : "'");
    }
    case Value::Kind::number:
      return "a number with a fraction or too large";
    case Value::Kind::integer:
      try {
        return std::to_string(value.as_uint());
      } catch (const Error&) {
        return std::to_string(value.as_int());
      }
    default:
      return std::string{to_string(value.kind())};
  }
}

/// Edits (insert, delete, replace, swap neighbours) between two words; case and '-' for '_' are free.
std::size_t distance(std::string_view a, std::string_view b) {
  const auto same = [](char x, char y) { return (x == '-' ? '_' : lower(x)) == (y == '-' ? '_' : lower(y)); };
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::vector<std::size_t> row(b.size() + 1);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same(a[i - 1], b[j - 1]) ? 0U : 1U)});
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before = std::exchange(above, std::move(row));
  }
  return above.back();
}

/// Whether one word is the beginning of the other ("mem" of "memory"), which counts as near.
bool begins(std::string_view a, std::string_view b) {
  const auto length = std::min(a.size(), b.size());
  return length >= 3 && std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(length), b.begin(),
                                   [](char x, char y) { return lower(x) == lower(y); });
}

const std::string& text_of(const Value& value, std::string_view expected) {
  if (!value.is_string()) throw_expected(expected, value);
  return value.as_string();
}

std::uint64_t whole_number(const Value& value, std::string_view expected) {
  if (value.kind() != Value::Kind::integer) throw_expected(expected, value);
  try {
    return value.as_uint();
  } catch (const Error&) {
    throw Error(Errc::invalid_config, "Must not be negative, found " + shown(value));
  }
}

void check_no_control(const Value& value) {
  if (value.is_string()) {
    std::string ignored;
    decode(value, ignored);
  } else if (value.kind() == Value::Kind::list) {
    for (const auto& item : value.as_list()) check_no_control(item);
  } else if (value.is_map()) {
    for (const auto& [key, item] : value.as_map()) {
      check_no_control(Value{key});
      check_no_control(item);
    }
  }
}

}  // namespace

void throw_expected(std::string_view expected, const Value& value) {
  throw Error(Errc::invalid_config, "Expected " + std::string{expected} + ", found " + shown(value));
}

void throw_too_large(std::uint64_t number, std::uint64_t limit) {
  throw Error(Errc::invalid_config, "Must be at most " + std::to_string(limit) + ", found " + std::to_string(number));
}

std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates) {
  constexpr std::size_t longest = 64;  // the distance costs the product of both lengths
  if (text.size() > longest) return {};
  std::string_view best;
  auto best_distance = std::max<std::size_t>(text.size() / 3, 1) + 1;
  for (const auto candidate : candidates) {
    const auto edits = distance(text, candidate);
    if (edits >= best_distance) continue;
    best = candidate;
    best_distance = edits;
  }
  if (!best.empty()) return best;
  const auto prefix = std::ranges::find_if(candidates, [&](auto candidate) { return begins(text, candidate); });
  return prefix == candidates.end() ? std::string_view{} : *prefix;
}

std::string joined(std::span<const std::string_view> words) {
  std::string text;
  for (const auto word : words) text += (text.empty() ? "" : ", ") + std::string{word};
  return text;
}

std::uint64_t decode_number(const Value& value, std::string_view unit) {
  if (unit == "bytes") {
    return value.is_string() ? parse_size_bytes(value.as_string())
                             : whole_number(value, "a whole number of bytes, or a size such as 4KiB");
  }
  if (unit == "ms") {
    return value.is_string() ? parse_duration_ms(value.as_string())
                             : whole_number(value, "a whole number of milliseconds, or a duration such as 10s");
  }
  return whole_number(value, "a whole number");
}

std::uint64_t decode_size_mib(const Value& value) {
  return parse_size_mib(text_of(value, "a size with its unit, such as 512MiB or 2GiB"));
}

std::size_t decode_choice(const Value& value, std::span<const std::string_view> names) {
  const auto& text = text_of(value, "one of " + joined(names));
  const auto found = std::ranges::find(names, text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  const auto near = nearest(text, names);
  throw Error(Errc::invalid_config, "Expected one of " + joined(names) + ", found " + shown(value) +
                                        (near.empty() ? "" : ", did you mean '" + std::string{near} + "'?"));
}

void decode(const Value& value, bool& member) {
  if (value.kind() != Value::Kind::boolean) throw_expected("true or false", value);
  member = value.as_bool();
}

void decode(const Value& value, std::string& member) {
  const auto& text = text_of(value, "a text (put a number or a word like true in quotes)");
  if (std::ranges::any_of(text, is_control)) {
    throw Error(Errc::invalid_config, "Must not contain a newline, a NUL or another control character");
  }
  if (!is_utf8(text)) {  // records, monitors and command output are JSON, which would have another text
    throw Error(Errc::invalid_config, "Must be UTF-8 text, found other bytes");
  }
  member = text;
}

std::string decode_document(const Value& value) {
  const auto& text = text_of(value, "a text");
  if (text.size() > max_document) {
    throw Error(Errc::invalid_config, "Has " + std::to_string(text.size()) + " bytes, at most " +
                                          std::to_string(max_document) + " are possible; a file may have more");
  }
  if (!is_utf8(text)) throw Error(Errc::invalid_config, "Must be UTF-8 text, found other bytes; a file may have any");
  const auto is_bad = [](char c) { return is_control(c) && c != '\n' && c != '\r' && c != '\t'; };
  if (std::ranges::none_of(text, is_bad)) return text;
  throw Error(Errc::invalid_config, "Must not contain control characters but tabs and the ends of lines");
}

void decode(const Value& value, std::vector<std::string>& member) {
  if (value.kind() != Value::Kind::list) throw_expected("a list of texts", value);
  member.clear();
  for (const auto& item : value.as_list()) {
    try {
      decode(item, member.emplace_back());
    } catch (const Error& error) {
      throw Error(Errc::invalid_config, "Item " + std::to_string(member.size()) + ": " + error.message());
    }
  }
}

void decode(const Value& value, Params& member) {
  std::vector<std::string> texts;
  if (value.is_string()) {
    std::string line;
    decode(value, line);
    texts = split_kernel_line(line);
  } else if (value.kind() == Value::Kind::list) {
    decode(value, texts);
  } else {
    throw_expected("a list of key=value texts, or one text of them", value);
  }
  member = parse_kernel_params(texts);
}

void decode(const Value& value, Value& member) {
  if (!value.is_map()) throw_expected("a map of properties", value);
  check_no_control(value);
  member = value;
}

Value encode_texts(const std::vector<std::string>& texts) { return Value{Value::List(texts.begin(), texts.end())}; }

Value encode_params(const Params& params) { return encode_texts(serialize_params(params, "=")); }

}  // namespace visor::detail

namespace visor {

std::string_view nearest_word(std::string_view word, const std::vector<std::string_view>& candidates) {
  return detail::nearest(word, candidates);
}

}  // namespace visor

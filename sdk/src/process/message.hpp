// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Shared by the keeper and its clients: no dependency but the standard library.
namespace visor::sdk::wire {

/// Largest message either side sends or takes. A default socket buffer (212992 bytes) holds one.
inline constexpr std::size_t max_message = 192 * 1024;
/// Largest request a keeper reads.
inline constexpr std::size_t max_request = 8 * 1024;

/// A text message: a verb line, `key=value` lines, and optionally an empty line and a raw body.
/// In values, `\` and bytes below 0x20 are written as `\\`, `\n` or `\xHH`. A key may come more than once.
class Message {
 public:
  Message() = default;
  explicit Message(std::string_view verb) : verb_{verb} {}

  Message& add(std::string_view key, std::string_view value);
  Message& add(std::string_view key, std::uint64_t value);
  Message& body(std::string_view bytes);

  [[nodiscard]] const std::string& verb() const noexcept { return verb_; }
  [[nodiscard]] const std::string& body() const noexcept { return body_; }
  /// The first value of a key; empty when there is none.
  [[nodiscard]] std::string_view get(std::string_view key) const noexcept;
  [[nodiscard]] std::uint64_t number(std::string_view key, std::uint64_t fallback = 0) const noexcept;
  [[nodiscard]] std::vector<std::string_view> all(std::string_view key) const;

  [[nodiscard]] std::string encode() const;
  /// Empty when the text is no message.
  static std::optional<Message> parse(std::string_view text);

 private:
  std::string verb_;
  std::vector<std::pair<std::string, std::string>> fields_;
  std::string body_;
};

/// A whole decimal number and nothing else.
std::optional<std::uint64_t> parse_number(std::string_view text) noexcept;

/// Cuts the text before the first space off `rest`, space included.
std::string_view take_word(std::string_view& rest) noexcept;

}  // namespace visor::sdk::wire

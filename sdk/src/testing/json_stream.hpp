// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace visor::testing {

/// Finds the messages in a stream of bytes as QEMU does: an object ends with its bracket, line breaks mean nothing.
/// What does not begin with a bracket is one line.
class JsonStream {
 public:
  /// What one message may have at most; feed() throws exhausted beyond it.
  static constexpr std::size_t max_bytes = std::size_t{64} << 20U;

  void feed(std::string_view bytes);
  /// The next whole message; nothing until more is fed.
  [[nodiscard]] std::optional<std::string> next();
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  void clear();

 private:
  [[nodiscard]] std::string cut(std::size_t end);

  std::string bytes_;
  std::size_t seen_ = 0;  // how far the first message was read
  std::size_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace visor::testing

// SPDX-License-Identifier: Apache-2.0
#include "json_stream.hpp"

#include "visor/core/error.hpp"

#include <algorithm>

namespace visor::testing {

void JsonStream::feed(std::string_view bytes) {
  bytes_ += bytes;
  if (bytes_.size() > max_bytes) throw Error(Errc::exhausted, "A QMP message is longer than 64 MiB");
}

void JsonStream::clear() { (void)cut(bytes_.size()); }

std::string JsonStream::cut(std::size_t end) {
  auto message = bytes_.substr(0, end);
  bytes_.erase(0, end);
  seen_ = depth_ = 0;
  in_string_ = escaped_ = false;
  return message;
}

std::optional<std::string> JsonStream::next() {
  if (seen_ == 0) bytes_.erase(0, std::min(bytes_.find_first_not_of(" \t\r\n"), bytes_.size()));
  if (bytes_.empty()) return std::nullopt;
  if (bytes_.front() != '{' && bytes_.front() != '[') {
    const auto end = bytes_.find('\n');
    return end == std::string::npos ? std::nullopt : std::optional{cut(end)};
  }
  for (; seen_ < bytes_.size(); ++seen_) {
    const char c = bytes_[seen_];
    if (escaped_) {
      escaped_ = false;
    } else if (in_string_) {
      if (c == '\\') escaped_ = true;
      if (c == '"') in_string_ = false;
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if ((c == '}' || c == ']') && --depth_ == 0) {
      return cut(seen_ + 1);
    }
  }
  return std::nullopt;
}

}  // namespace visor::testing

// SPDX-License-Identifier: Apache-2.0
#include "visor/core/problems.hpp"

#include <algorithm>
#include <string_view>

namespace visor {

Problems::Problems() = default;
Problems::Problems(const Problems&) = default;
Problems::Problems(Problems&&) noexcept = default;
Problems& Problems::operator=(const Problems&) = default;
Problems& Problems::operator=(Problems&&) noexcept = default;
Problems::~Problems() = default;

void Problems::add(Errc code, const std::string& text) {
  if (std::ranges::find(texts_, text) != texts_.end()) return;
  code_ = texts_.empty() || code == code_ ? code : Errc::invalid_config;
  texts_.push_back(text);
}

void Problems::add_lines(const Error& error) {
  if (error.code() == Errc::internal) throw Error(error);
  std::string_view rest = error.message();
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    add(error.code(), std::string{rest.substr(0, end)});
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

Error Problems::error() const {
  std::string message;
  for (const auto& text : texts_) message += (message.empty() ? "" : "\n") + text;
  return {code_, message};
}

void Problems::throw_if_any() const {
  if (!empty()) throw error();
}

}  // namespace visor

// SPDX-License-Identifier: Apache-2.0
#include "config_origins.hpp"

#include "visor/core/describe.hpp"

#include <algorithm>

namespace visor::cli {
namespace {

/// Whether a path is the other one or below it.
bool is_within(std::string_view path, std::string_view other) {
  return path.starts_with(other) &&
         (path.size() == other.size() || path[other.size()] == '.' || path[other.size()] == '[');
}

}  // namespace

void ConfigOrigins::add_option(std::string_view path, std::string option) {
  options_.emplace_back(path, std::move(option));
}

/// Of what was said at this path itself: the last option counts, and an option more than the file.
std::string ConfigOrigins::place_of(std::string_view path) const {
  const auto option =
      std::find_if(options_.rbegin(), options_.rend(), [&](const auto& one) { return is_within(path, one.first); });
  if (option != options_.rend()) return option->second;
  const auto mark = marks_.find(path);
  if (mark == marks_.end()) return {};
  return name_ + ':' + std::to_string(mark->second.line) + ':' + std::to_string(mark->second.column);
}

std::string ConfigOrigins::of(std::string_view path) const {
  auto place = place_of(path);
  if (!place.empty()) return place;
  const auto option =
      std::find_if(options_.rbegin(), options_.rend(), [&](const auto& one) { return is_within(one.first, path); });
  return option != options_.rend() ? option->second : place;
}

/// What was not said has the place of what it would have stood in.
std::string ConfigOrigins::place_above(std::string_view path) const {
  while (!path.empty()) {
    auto place = place_of(path);
    if (!place.empty()) return place;
    const auto end = path.find_last_of(".[");
    path = path.substr(0, end == std::string_view::npos ? 0 : end);
  }
  return {};
}

Error ConfigOrigins::with_places(const Error& error) const {
  std::string text;
  std::string_view rest = error.message();
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    const auto path = line.substr(0, line.find(": "));
    const auto place = is_config_field(path) ? place_above(path) : std::string{};
    text += (text.empty() ? "" : "\n") + (place.empty() ? place : place + ": ") + std::string{line};
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  }
  return {error.code(), text};
}

}  // namespace visor::cli

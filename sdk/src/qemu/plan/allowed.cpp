// SPDX-License-Identifier: Apache-2.0
#include "plan.hpp"
#include "visor/core/error.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>

namespace visor::sdk::plan::detail {

void check_allowed(const std::string& field, const std::string& path, const std::string& list,
                   const std::vector<std::string>& patterns) {
  const auto plain = std::filesystem::path{path}.lexically_normal().string();  // a '*' would match ".."
  const auto allows = [&](const auto& pattern) { return ::fnmatch(pattern.c_str(), plain.c_str(), FNM_PATHNAME) == 0; };
  if (path.empty() || patterns.empty() || std::ranges::any_of(patterns, allows)) return;
  throw Error(Errc::permission_denied, field + ": " + path + " is not among " + list);
}

}  // namespace visor::sdk::plan::detail

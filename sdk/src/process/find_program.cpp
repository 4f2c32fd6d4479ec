// SPDX-License-Identifier: Apache-2.0
#include "find_program.hpp"

#include <unistd.h>

#include <cstdlib>
#include <sstream>

namespace visor::sdk {

std::optional<std::string> find_program(const std::string& name) {
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nothing here ever sets it
  std::istringstream folders{std::string{path != nullptr ? path : ""} + ":/usr/bin:/usr/local/bin"};
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (!folder.starts_with('/')) continue;
    auto candidate = folder + '/' + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

std::vector<std::string> plain_environment() { return {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}; }

}  // namespace visor::sdk

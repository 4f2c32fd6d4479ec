// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>

namespace visor::test {

/// One folder more in $PATH, before all others.
class InPath {
 public:
  explicit InPath(const std::filesystem::path& folder) : before_{std::getenv("PATH")} {
    ::setenv("PATH", (folder.string() + ':' + before_).c_str(), 1);
  }
  InPath(const InPath&) = delete;
  InPath& operator=(const InPath&) = delete;
  ~InPath() { ::setenv("PATH", before_.c_str(), 1); }

 private:
  std::string before_;
};

/// The path of a program in $PATH; empty when there is none.
inline std::string program_in_path(const std::string& name) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders{path != nullptr ? path : ""};
  for (std::string folder; std::getline(folders, folder, ':');) {
    auto program = (std::filesystem::path{folder} / name).string();
    if (::access(program.c_str(), X_OK) == 0) return program;
  }
  return {};
}

}  // namespace visor::test

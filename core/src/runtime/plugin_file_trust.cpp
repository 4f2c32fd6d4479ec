// SPDX-License-Identifier: Apache-2.0
#include "plugin_file_trust.hpp"

#include "plugin_paths.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace visor::detail {
namespace {

using Path = std::filesystem::path;

/// The path itself and every folder above it.
std::vector<Path> with_parents(Path path) {
  std::vector<Path> paths{path};
  for (; path.has_relative_path(); paths.push_back(path)) path = path.parent_path();
  return paths;
}

std::vector<uid_t> trusted_owners() {
  std::vector<uid_t> owners{0};
  for (const auto& path : with_parents(own_library())) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) == 0) owners.push_back(status.st_uid);
  }
  return owners;
}

std::string why_not(const Path& path, const std::vector<uid_t>& owners) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return path.string() + " cannot be examined: " + std::strerror(errno);
  if (std::find(owners.begin(), owners.end(), status.st_uid) == owners.end()) {
    return path.string() + " belongs to user " + std::to_string(status.st_uid) + ", and this process runs as root";
  }
  // In a sticky folder others may add files, but not move or remove those of their betters.
  const bool sticky_folder = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !sticky_folder) {
    return "others may write to " + path.string() + ", and this process runs as root: chmod go-w " + path.string();
  }
  return {};
}

}  // namespace

std::string untrusted_reason(const Path& canonical) {
  if (::geteuid() != 0) return {};
  const auto owners = trusted_owners();
  for (const auto& path : with_parents(canonical)) {
    if (auto reason = why_not(path, owners); !reason.empty()) return reason;
  }
  return {};
}

}  // namespace visor::detail

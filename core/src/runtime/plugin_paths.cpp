// SPDX-License-Identifier: Apache-2.0
#include "plugin_paths.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace visor {
namespace detail {
namespace {

using Path = std::filesystem::path;

std::string environment(const char* name) {
  const char* value = ::secure_getenv(name);
  return value == nullptr ? std::string{} : std::string{value};
}

void classify(SearchedFolder& folder, const std::vector<SearchedFolder>& earlier) {
  const auto set = [&](SearchStatus status, std::string detail) {
    folder.status = status;
    folder.detail = std::move(detail);
  };
  if (folder.directory.is_relative()) {
    return set(SearchStatus::refused, "it is relative: plugins never depend on the working folder, give a full path");
  }
  std::error_code error;
  auto canonical = std::filesystem::canonical(folder.directory, error);
  if (error == std::errc::no_such_file_or_directory) return set(SearchStatus::missing, "there is no such folder");
  if (error) return set(SearchStatus::unreadable, error.message());
  folder.directory = std::move(canonical);
  const auto same = [&](const auto& other) { return other.directory == folder.directory; };
  if (std::any_of(earlier.begin(), earlier.end(), same)) set(SearchStatus::repeated, "it came earlier in the search");
}

// The kernel's own view, because dladdr() gives a name that may be relative to a working folder of long ago.
Path find_own_library() {
  const auto address = reinterpret_cast<std::uintptr_t>(&own_library);
  std::ifstream maps{"/proc/self/maps"};
  for (std::string line; std::getline(maps, line);) {
    std::istringstream in{line};
    std::uintptr_t begin = 0, end = 0;
    char dash = 0;
    in >> std::hex >> begin >> dash >> end;
    if (address < begin || address >= end) continue;
    auto file = line.substr(std::min(line.find('/'), line.size()));
    constexpr std::string_view deleted = " (deleted)";  // by an upgrade while this process runs
    if (file.ends_with(deleted)) file.resize(file.size() - deleted.size());
    if (!file.empty()) return file;
  }
  throw Error(Errc::internal, "Cannot find libvisor-runtime.so in /proc/self/maps: is /proc mounted?");
}

}  // namespace

const Path& own_library() {
  static const Path file = find_own_library();
  return file;
}

std::vector<SearchedFolder> search_order(const PluginSearch& search) {
  std::vector<SearchedFolder> folders;
  const auto add = [&](Path directory, const char* origin) {
    SearchedFolder folder{std::move(directory), origin, SearchStatus::searched, {}};
    classify(folder, folders);
    folders.push_back(std::move(folder));
  };
  for (const auto& directory : search.directories) add(directory, "option");
  if (search.use_environment) {
    std::istringstream list{environment("VISOR_PLUGIN_PATH")};
    for (std::string directory; std::getline(list, directory, ':');) {
      if (!directory.empty()) add(directory, "VISOR_PLUGIN_PATH");
    }
  }
  if (search.use_default) add(default_plugin_dir(), "default");
  return folders;
}

}  // namespace detail

std::filesystem::path default_plugin_dir() { return detail::own_library().parent_path() / "visorkit" / "plugins"; }

std::filesystem::path default_keeper_path() {
  if (std::filesystem::path path = detail::environment("VISOR_KEEPER_PATH"); !path.empty()) {
    if (path.is_relative()) {
      throw Error(Errc::invalid_config, "VISOR_KEEPER_PATH is " + path.string() + ": give a full path");
    }
    return path;
  }
  // <prefix>/lib, or <prefix>/lib/<triplet> where the distribution has one.
  const auto above = detail::own_library().parent_path().parent_path();
  const auto keeper = std::filesystem::path{"libexec"} / "visorkit" / "visor-keeper";
  std::error_code error;
  if (!std::filesystem::exists(above / keeper, error) && std::filesystem::exists(above.parent_path() / keeper, error)) {
    return above.parent_path() / keeper;
  }
  return above / keeper;
}

}  // namespace visor

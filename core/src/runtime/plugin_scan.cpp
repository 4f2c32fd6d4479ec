// SPDX-License-Identifier: Apache-2.0
#include "plugin_scan.hpp"

#include "plugin_file_trust.hpp"
#include "plugin_paths.hpp"
#include "plugin_probe.hpp"
#include "visor/core/unique_fd.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace visor::detail {
namespace {

using Path = std::filesystem::path;

void refuse(PluginInfo& info, Errc code, std::string reason) {
  info.refusal = code;
  info.reason = std::move(reason);
}

void describe(PluginInfo& info, const visor_plugin_identity_t& identity) {
  // Nothing else is where this host looks for it.
  if (identity.magic != VISOR_PLUGIN_MAGIC || identity.abi != VISOR_PLUGIN_ABI || identity.size != sizeof identity)
    return;
  info.name = field_text(identity.name);
  info.arch = field_text(identity.arch);
  info.compiler = field_text(identity.compiler);
  info.sdk_version = field_text(identity.sdk_version);
  info.fingerprint = field_text(identity.fingerprint);
  if (identity.kind == VISOR_PLUGIN_QEMU) info.kind = PluginKind::qemu;
  if (identity.kind == VISOR_PLUGIN_OTHER) info.kind = PluginKind::other;
}

/// The files named *.so, by name.
std::vector<Path> candidates_in(SearchedFolder& folder) {
  std::vector<Path> files;
  std::error_code error;
  std::filesystem::directory_iterator entry{folder.directory, error};
  for (; !error && entry != std::filesystem::directory_iterator{}; entry.increment(error)) {
    if (entry->path().extension() == ".so") files.push_back(entry->path());
  }
  if (error) {
    folder.status = SearchStatus::unreadable;
    folder.detail = error.message();
  }
  std::sort(files.begin(), files.end());
  return files;
}

void scan_folder(SearchedFolder& folder, std::vector<PluginInfo>& plugins) {
  const auto files = candidates_in(folder);
  if (auto reason = untrusted_reason(folder.directory); !reason.empty() && folder.status == SearchStatus::searched) {
    folder.status = SearchStatus::refused;
    folder.detail = std::move(reason);
  }
  for (const auto& file : files) {
    auto info = examine_plugin(file).info;
    const auto first = std::find_if(plugins.begin(), plugins.end(), [&](const PluginInfo& other) {
      return other.accepted() && other.name == info.name;
    });
    if (info.accepted() && first != plugins.end()) {
      refuse(info, Errc::already_exists, "the name " + info.name + " is taken by " + first->file.string());
    }
    plugins.push_back(std::move(info));
  }
}

}  // namespace

Candidate examine_plugin(const Path& file) {
  Candidate candidate;
  auto& info = candidate.info;
  info.file = file;
  info.directory = file.parent_path();
  // Not blocking: it may be a FIFO that nobody writes to.
  const UniqueFd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (!fd) {
    refuse(info, errno == EACCES ? Errc::permission_denied : Errc::io_error,
           std::string{"it cannot be opened: "} + std::strerror(errno));
    return candidate;
  }
  auto probe = probe_plugin(fd.get());
  if (probe.identity) {
    candidate.identity = *probe.identity;
    describe(info, *probe.identity);
  }
  std::error_code error;
  candidate.canonical = std::filesystem::canonical(file, error);
  if (error) {
    refuse(info, Errc::io_error, "its path cannot be resolved: " + error.message());
    return candidate;
  }
  // The folder lies above the file unless the file is a link.
  auto untrusted = untrusted_reason(candidate.canonical);
  if (untrusted.empty() && candidate.canonical.parent_path() != info.directory) {
    untrusted = untrusted_reason(info.directory);
  }
  // Whoever may write there decides what else is wrong with it.
  if (!untrusted.empty()) {
    refuse(info, Errc::permission_denied, std::move(untrusted));
  } else if (!probe.reason.empty()) {
    refuse(info, Errc::incompatible_plugin, std::move(probe.reason));
  }
  return candidate;
}

PluginScan scan_plugins(const PluginSearch& search) {
  PluginScan scan;
  scan.searched = search_order(search);
  for (auto& folder : scan.searched) {
    if (folder.status == SearchStatus::searched) scan_folder(folder, scan.plugins);
  }
  return scan;
}

}  // namespace visor::detail

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/plugin_abi.hpp"
#include "visor/runtime/plugin_registry.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace visor::detail {

/// A file as it is now: what it says, and whether it may be loaded.
struct Candidate {
  PluginInfo info;
  std::filesystem::path canonical;        ///< what to load when it is accepted
  visor_plugin_identity_t identity = {};  ///< meaningful when it is accepted
};

/// Never fails: what is wrong is in the reason. Runs no code of the file.
Candidate examine_plugin(const std::filesystem::path& file);

struct PluginScan {
  std::vector<SearchedFolder> searched;
  std::vector<PluginInfo> plugins;
};

PluginScan scan_plugins(const PluginSearch& search);

}  // namespace visor::detail

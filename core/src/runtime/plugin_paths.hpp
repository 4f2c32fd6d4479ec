// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/runtime/plugin_registry.hpp"

#include <filesystem>
#include <vector>

namespace visor::detail {

/// The file that this code was mapped from, in its canonical form.
const std::filesystem::path& own_library();

/// Where to look, in order. Folders that are not to be looked into have their status already; the others' directory is
/// canonical.
std::vector<SearchedFolder> search_order(const PluginSearch& search);

}  // namespace visor::detail

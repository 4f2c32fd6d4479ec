// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/plugin_abi.hpp"

#include <filesystem>
#include <memory>

namespace visor::detail {

/// A plugin in memory. It stays there while anything holds this object.
class PluginLibrary {
 public:
  virtual ~PluginLibrary() = default;
  [[nodiscard]] virtual const visor_plugin_entry_t& entry() const noexcept = 0;
};

/// Loads a library, binding all of it now, and checks that it is what `expected` was read from. Throws
/// incompatible_plugin with the linker's words.
std::shared_ptr<const PluginLibrary> load_plugin_library(const std::filesystem::path& file,
                                                         const visor_plugin_identity_t& expected);

/// What the plugin itself holds to stay loaded. It may be given up by code of the plugin: when that makes it the last
/// holder, the library goes only when the thread that did so ends, because the thread still has to return through it.
std::shared_ptr<void> make_library_token(std::shared_ptr<const PluginLibrary> library);

}  // namespace visor::detail

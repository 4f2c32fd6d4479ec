// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/error.hpp"
#include "visor/core/host_context.hpp"
#include "visor/core/hypervisor.hpp"
#include "visor/core/qemu_arch.hpp"
#include "visor/runtime/export.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace visor {

/// As in the plugin's identity; unknown for a file that has none.
enum class PluginKind : std::uint32_t { unknown = 0, qemu = 1, other = 2 };
/// "qemu", "other" or "unknown".
VISOR_RUNTIME_EXPORT std::string_view to_string(PluginKind kind) noexcept;

/// A file that was found, read but not loaded. Of a rejected file the texts say what could be read of its identity.
struct PluginInfo {
  std::filesystem::path file;       ///< absolute, in the folder as it was searched
  std::filesystem::path directory;  ///< the searched folder
  std::string name;
  std::string arch;  ///< guest architecture, or "any"
  PluginKind kind = PluginKind::unknown;
  std::string compiler;
  std::string sdk_version;
  std::string fingerprint;
  std::string reason;                        ///< why it was rejected; empty: accepted
  Errc refusal = Errc::incompatible_plugin;  ///< what opening a rejected one throws; meaningless when accepted
  [[nodiscard]] bool accepted() const noexcept { return reason.empty(); }
};

enum class SearchStatus : std::uint8_t {
  searched,
  missing,     ///< there is no such folder
  unreadable,  ///< it exists but cannot be listed
  refused,     ///< a relative path, or others may write there and this process runs as root
  repeated,    ///< the same folder came earlier
};
VISOR_RUNTIME_EXPORT std::string_view to_string(SearchStatus status) noexcept;

/// A folder where plugins were looked for, in the order of search.
struct SearchedFolder {
  std::filesystem::path directory;
  std::string origin;  ///< "option", "VISOR_PLUGIN_PATH" or "default"
  SearchStatus status = SearchStatus::searched;
  std::string detail;  ///< one sentence for every status but searched
};

struct PluginSearch {
  std::vector<std::filesystem::path> directories;  ///< searched first, in this order
  bool use_environment = true;                     ///< then $VISOR_PLUGIN_PATH, folders separated by colons
  bool use_default = true;                         ///< then default_plugin_dir()
};

/// The plugins of this process: finds them, says why one is refused, and loads them.
///
/// Finding reads files named *.so and runs no code of them. Loading happens when a plugin is first opened. Everything
/// handed out keeps its library loaded, lets only visor::Error out, and stays valid after the registry is gone.
///
/// [any thread] The lists never change after construction. Loads are serialised; they block for file I/O.
class VISOR_RUNTIME_EXPORT PluginRegistry {
 public:
  /// Searches; never fails because of what is found. The context goes to every plugin, with the library token set. An
  /// empty keeper path becomes default_keeper_path(). [file I/O]
  explicit PluginRegistry(HostContext host, const PluginSearch& search = {});
  PluginRegistry(const PluginRegistry&) = delete;
  PluginRegistry& operator=(const PluginRegistry&) = delete;
  ~PluginRegistry();

  /// Every candidate in search order, by file name in each folder. Of equal names the first accepted one wins; later
  /// ones are rejected, naming it.
  [[nodiscard]] const std::vector<PluginInfo>& plugins() const noexcept;
  [[nodiscard]] const std::vector<SearchedFolder>& searched() const noexcept;

  /// The plugin that a configuration means. `qemu` is the QEMU plugin of that guest architecture, by default the
  /// host's; any other text is a plugin's name. Throws not_found, listing what is there and where it looked; for a
  /// rejected one its reason; invalid_config when the named plugin is for another architecture.
  [[nodiscard]] const PluginInfo& resolve(std::string_view hypervisor, std::string_view arch = {}) const;

  /// A new hypervisor of a plugin by the plugin's name, loading it first if need be. Throws as resolve();
  /// incompatible_plugin when it cannot be loaded; what its factory throws, internal when that is no Error.
  [[nodiscard]] std::shared_ptr<Hypervisor> open_hypervisor(std::string_view name);
  /// The plugin's architecture facts; a string_view among its answers is valid while it is held. Throws as
  /// open_hypervisor(), and unsupported for a plugin that is not of QEMU.
  [[nodiscard]] std::shared_ptr<const QemuArch> open_arch(std::string_view name);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// <folder of libvisor-runtime.so>/visorkit/plugins: right in a build tree and in an installed tree that was moved.
VISOR_RUNTIME_EXPORT std::filesystem::path default_plugin_dir();

/// $VISOR_KEEPER_PATH, or libexec/visorkit/visor-keeper beside the folder of libvisor-runtime.so. The file need not
/// exist. Throws invalid_config when the variable holds a relative path.
VISOR_RUNTIME_EXPORT std::filesystem::path default_keeper_path();

}  // namespace visor

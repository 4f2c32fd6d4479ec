// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/error.hpp"
#include "visor/core/hypervisor.hpp"
#include "visor/core/log.hpp"
#include "visor/core/owner_lock.hpp"
#include "visor/core/params.hpp"
#include "visor/core/qemu_arch.hpp"
#include "visor/core/vm.hpp"
#include "visor/runtime/export.h"
#include "visor/runtime/vm_store.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace visor {

class PluginRegistry;

struct RuntimeOptions {
  std::vector<std::filesystem::path> plugin_dirs;  ///< searched before the default folders
  std::filesystem::path run_dir;                   ///< empty: VmStore::default_root()
  std::filesystem::path keeper_path;               ///< empty: the one installed beside the library
  std::shared_ptr<LogSink> log;                    ///< null: nothing is logged
  Params plugin_options;                           ///< handed to every plugin
};

/// A VM of the run folder as it is now.
struct VmEntry {
  std::string id;
  std::filesystem::path run_dir;
  std::optional<VmRecord> record;  ///< none when it cannot be read
  std::optional<VmStatus> status;  ///< none when its plugin could not look at it
  std::vector<std::int32_t> pids;  ///< the hypervisor first
  std::optional<Owner> owner;      ///< who holds the owner lock
  std::optional<Error> error;      ///< why something above is missing
};

/// A VM that is over: nothing of it runs any more.
[[nodiscard]] VISOR_RUNTIME_EXPORT bool is_over(VmState state) noexcept;

/// What a host program needs: plugins, the run folder, and the VMs in it.
///
/// [any thread] Plugins are searched for when the object is made and loaded when they are first needed. VMs and
/// hypervisors that it handed out stay valid after it is gone.
class VISOR_RUNTIME_EXPORT Runtime {
 public:
  explicit Runtime(const RuntimeOptions& options = {});
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  ~Runtime();

  [[nodiscard]] const PluginRegistry& plugins() const noexcept;
  [[nodiscard]] const VmStore& store() const noexcept;

  /// The hypervisor that a configuration asks for; `qemu` is resolved by the guest's architecture, by default the
  /// host's. Throws not_found, naming what is loaded and where it looked; incompatible_plugin.
  std::shared_ptr<Hypervisor> hypervisor(const VmConfig& config);
  /// A plugin's hypervisor by the plugin's name.
  std::shared_ptr<Hypervisor> hypervisor(const std::string& plugin);
  /// What a plugin of QEMU knows of its architecture. Throws as hypervisor(), unsupported for another kind of plugin.
  std::shared_ptr<const QemuArch> arch(const std::string& plugin);

  /// A VM in state created, owned by the handle. An empty id: one is made up. On failure nothing is left behind.
  /// Throws already_exists, saying what state the VM of that id is in; what VmStore::create() and Hypervisor::create()
  /// throw.
  std::unique_ptr<Vm> create(const VmConfig& config, std::string id = {});
  /// The same from a folder into which SnapshotExtension::save() put a VM: its start goes on where that was. [blocks
  /// until the deadline] Throws not_found when the folder holds none; unsupported when the plugin restores no VMs; what
  /// RestoreExtension::restore() throws.
  std::unique_ptr<Vm> restore(const std::filesystem::path& source, std::string id, bool ephemeral,
                              const CallContext& call);
  /// A handle for a VM of the run folder. Throws not_found, busy; what Hypervisor::attach() throws.
  std::unique_ptr<Vm> attach(const std::string& id, const CallContext& call);
  /// One VM, or all by id. Never fails for what one VM is like: see VmEntry::error. [blocks until the deadline]
  /// look() throws not_found when there is no such folder.
  VmEntry look(const std::string& id, const CallContext& call);
  std::vector<VmEntry> list(const CallContext& call);

  /// Removes a VM that is over, with its logs. One that still runs is refused with invalid_state, unless `force` is
  /// set: it is then ended first. One that cannot be looked at needs `force`, too. Throws not_found.
  void remove(const std::string& id, bool force, const CallContext& call);
  /// Removes all VMs that are over, and folders that were left half made. Returns the ids.
  std::vector<std::string> gc(const CallContext& call);

 private:
  using Maker = std::function<std::unique_ptr<Vm>(const std::string& id, const std::filesystem::path& run_dir)>;
  std::unique_ptr<Vm> make(std::string id, const Maker& maker);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visor

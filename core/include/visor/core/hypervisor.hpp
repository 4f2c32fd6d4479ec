// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/capabilities.hpp"
#include "visor/core/export.h"
#include "visor/core/extension.hpp"
#include "visor/core/vm.hpp"
#include "visor/core/vm_config.hpp"
#include "visor/core/vm_record.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace visor {

struct HypervisorInfo {
  std::string name;                   ///< the plugin's name ("qemu-amd64")
  std::string arch;                   ///< guest architecture, or "any"
  std::string default_machine;        ///< empty when it has no machine types
  std::vector<std::string> machines;  ///< accepted in MachineConfig::type
  std::string description;            ///< one sentence
};

/// What a plugin yields: makes VMs and finds them again. [any thread]; all calls of one object may run at once.
class VISOR_CORE_EXPORT Hypervisor {
 public:
  Hypervisor() = default;
  Hypervisor(const Hypervisor&) = delete;
  Hypervisor& operator=(const Hypervisor&) = delete;
  virtual ~Hypervisor();

  [[nodiscard]] virtual HypervisorInfo info() const = 0;
  /// What a VM of this configuration would be able to do here.
  [[nodiscard]] virtual Capabilities capabilities(const VmConfig& config) const = 0;
  /// A checked copy with all defaults filled in. Throws invalid_config, unsupported, not_found. [file I/O]
  [[nodiscard]] virtual VmConfig validate(const VmConfig& config) const = 0;
  /// The command that would start this configuration, one element an argument; empty when there is no process.
  [[nodiscard]] virtual std::vector<std::string> command_line(const VmConfig& config, const std::string& id,
                                                              const std::filesystem::path& run_dir) const = 0;
  /// A VM in state created, owned by the handle. run_dir exists, is empty, private to the caller, and becomes the VM's.
  /// On failure nothing but the empty folder remains. Validates first. [blocks: a plugin may ask its hypervisor what it
  /// can do, the QEMU driver for 10 s at the most] Throws as validate(), and disconnected or timeout when that one dies
  /// or says nothing.
  virtual std::unique_ptr<Vm> create(const VmConfig& config, const std::string& id,
                                     const std::filesystem::path& run_dir) = 0;
  /// A handle for a VM that another process, or an earlier handle, left. Throws not_found when nothing of it is left to
  /// look at, unsupported for a record that is too new.
  virtual std::unique_ptr<Vm> attach(const VmRecord& record, const CallContext& call) = 0;

  /// An optional interface by its versioned id, or null.
  virtual std::shared_ptr<Extension> extension(std::string_view id) = 0;
};

}  // namespace visor

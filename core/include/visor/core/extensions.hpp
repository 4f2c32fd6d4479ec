// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/export.h"
#include "visor/core/extension.hpp"
#include "visor/core/vm.hpp"
#include "visor/core/vm_config.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The optional interfaces that core knows, beside QmpExtension. A plugin that has one returns it from extension(id) of
/// the object that its comment names, every other returns null.
///
/// For all methods: [any thread]; they block until the context's deadline at the latest and throw timeout or cancelled,
/// wrong_thread on an I/O thread of the SDK, disconnected when the VM ends meanwhile, and what the hypervisor refuses
/// as hypervisor_error. A state that does not allow the call: invalid_state, naming both. Changing calls take the owner
/// lock as those of Vm do (busy). Long ones report progress with bytes done and in all. A call that fails leaves the VM
/// as it was, and no file or process of its own; it may take 2 s more to let a guest run again that stood still for it.
namespace visor {

/// "visor.snapshot/1" of a Vm: its whole state as files.
class VISOR_CORE_EXPORT SnapshotExtension : public Extension {
 public:
  static constexpr std::string_view id = "visor.snapshot/1";
  ~SnapshotExtension() override;
  /// Saves memory and device state of a running or paused VM into a folder that exists, is empty and private to the
  /// caller. The guest stands still while its state is written, and then is as it was; the call returns when all is on
  /// the disk. Disks are not copied: a saved VM needs them as they were at that moment, so whoever copies them pauses
  /// the VM first. Throws unsupported naming what in the VM cannot be saved, before the guest stands still;
  /// io_error, exhausted, not_found, permission_denied, invalid_config.
  virtual void save(const std::filesystem::path& target, const CallContext& call) = 0;
  /// Makes a VM whose configuration has template.to_be into a template: its device state goes to template.state_path,
  /// a new file, its memory is in template.memory_path already, and the VM is stopped. Both files are on the disk when
  /// this returns. Throws as save(), and already_exists.
  virtual void begin_template(const CallContext& call) = 0;
};

/// "visor.snapshot/1" of a Hypervisor: VMs that begin with what was saved instead of booting.
///
/// Both make a VM in state created, as Hypervisor::create() does, owned by the handle. Its start() then loads the
/// state: the guest runs on, or is paused with start_paused. A start that fails leaves it created, and another may be
/// tried; so what is to be loaded must stay until then.
class VISOR_CORE_EXPORT RestoreExtension : public Extension {
 public:
  static constexpr std::string_view id = SnapshotExtension::id;
  ~RestoreExtension() override;
  /// From a folder that SnapshotExtension::save() filled, which never changes. `ephemeral` is as in VmConfig, whatever
  /// the VM was when it was saved. It has the configuration of the VM that
  /// was saved and is the same to its guest: do not let both run in one network. Throws not_found, invalid_config for
  /// what is damaged, unsupported for what another hypervisor or a later version saved; start() throws the same for
  /// what it finds when it reads all of it.
  virtual std::unique_ptr<Vm> restore(const std::filesystem::path& source, const std::string& vm_id,
                                      const std::filesystem::path& run_dir, bool ephemeral,
                                      const CallContext& call) = 0;
  /// From a template: config.vm_template has `from` and both files, which many clones may share and none changes.
  /// Hypervisor::create() does the same for such a configuration, without a look at the files.
  virtual std::unique_ptr<Vm> clone(const VmConfig& config, const std::string& vm_id,
                                    const std::filesystem::path& run_dir, const CallContext& call) = 0;
};

/// One option of a command line, with its value where it has one.
struct CommandPart {
  std::string section;             ///< parts of one kind stand together: "machine", "devices"
  std::vector<std::string> words;  ///< elements of the command line: {"-m", "size=512M"}
  /// What asked for it: a field of the configuration ("memory.size", "devices[2]"), or a sentence.
  std::string reason;
};

/// "visor.explain/1" of a Hypervisor: why its command line is as it is.
class VISOR_CORE_EXPORT ExplainExtension : public Extension {
 public:
  static constexpr std::string_view id = "visor.explain/1";
  ~ExplainExtension() override;
  /// The parts of Hypervisor::command_line() in order: their words, one after the other, are that line. Starts nothing
  /// and takes no deadline. Throws as Hypervisor::validate(). [file I/O]
  virtual std::vector<CommandPart> explain(const VmConfig& config, const std::string& vm_id,
                                           const std::filesystem::path& run_dir) = 0;
};

/// How a migration goes about it.
struct MigrationOptions {
  std::uint64_t max_bytes_per_s = 0;        ///< 0: as fast as it goes
  std::chrono::milliseconds downtime{300};  ///< how long the guest may stand still at the end
};

struct MigrationResult {
  std::uint64_t transferred_bytes = 0;
  std::chrono::milliseconds total{};
  std::chrono::milliseconds downtime{};  ///< how long the guest stood still
};

/// "visor.migration/1" of a Vm: its state through a descriptor to another VM of the same configuration.
class VISOR_CORE_EXPORT MigrationExtension : public Extension {
 public:
  static constexpr std::string_view id = "visor.migration/1";
  ~MigrationExtension() override;
  /// Sends a running or paused VM into a stream socket or pipe. The descriptor stays the caller's; it is not used any
  /// more when this returns. Over a socket it returns when the other side has loaded all; a pipe has no way back, so
  /// that it returns when all was written. Afterwards the VM is paused, and resume() refuses: stop it. Whatever fails,
  /// a timeout and a cancellation among it, calls the migration off, and the VM runs on if it ran; a socket into which
  /// something was written is shut down then, so that the other side fails, too. Throws unsupported naming what in the
  /// VM cannot be moved, before anything is sent; io_error.
  virtual MigrationResult send(int fd, const MigrationOptions& options, const CallContext& call) = 0;
  /// Starts a created VM that takes its state from a descriptor instead of booting. It is paused when all has arrived,
  /// and the same to its guest as the one that it comes from. The descriptor stays the caller's. On failure the VM is
  /// created again, and a socket is shut down, so that the sender runs on. Throws io_error when the stream ends early,
  /// invalid_config when it is of a VM of another shape, unsupported for one of another hypervisor or a later version.
  virtual void prepare_incoming(int fd, const CallContext& call) = 0;
};

enum class DumpFormat : std::uint8_t { elf, kdump_zlib, kdump_lzo, kdump_snappy };

/// "visor.dump/1" of a Vm: the guest's memory for a debugger.
class VISOR_CORE_EXPORT DumpExtension : public Extension {
 public:
  static constexpr std::string_view id = "visor.dump/1";
  ~DumpExtension() override;
  /// Writes the memory of a running or paused VM into a file that must not exist. The guest stands still meanwhile.
  /// paging: by the guest's page tables, as a debugger without the kernel's symbols wants it; only with elf. Throws
  /// already_exists, io_error, exhausted; unsupported for a format that this hypervisor lacks.
  virtual void dump(const std::filesystem::path& file, DumpFormat format, bool paging, const CallContext& call) = 0;
};

/// "visor.balloon/1" of a Vm with a balloon device: memory that the guest lends to the host.
class VISOR_CORE_EXPORT BalloonExtension : public Extension {
 public:
  static constexpr std::string_view id = "visor.balloon/1";
  ~BalloonExtension() override;
  /// Asks the guest to keep this much memory, in MiB from 1 to what it has. Returns when the wish was passed on; how
  /// far the guest follows it, current_mib() tells. Throws invalid_config.
  virtual void set_target(std::uint64_t target_mib, const CallContext& call) = 0;
  /// What the guest keeps now, in MiB.
  virtual std::uint64_t current_mib(const CallContext& call) = 0;
};

/// Counters since the start. What the hypervisor does not count is absent.
struct DiskStats {
  std::string id;
  std::uint64_t read_bytes = 0;
  std::uint64_t read_requests = 0;
  std::uint64_t written_bytes = 0;
  std::uint64_t write_requests = 0;
};
struct NicStats {
  std::string id;
  std::uint64_t received_bytes = 0;
  std::uint64_t received_packets = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t sent_packets = 0;
};
struct VmStats {
  std::chrono::nanoseconds cpu{};                 ///< that the hypervisor's process has used on the host
  std::vector<std::chrono::nanoseconds> vcpus;    ///< by index: that each vCPU's thread has used
  std::optional<std::uint64_t> resident_bytes;    ///< of the host's memory
  std::optional<std::uint64_t> guest_free_bytes;  ///< as the guest says
  std::vector<DiskStats> disks;
  std::vector<NicStats> nics;
};

/// "visor.stats/1" of a Vm.
class VISOR_CORE_EXPORT StatsExtension : public Extension {
 public:
  static constexpr std::string_view id = "visor.stats/1";
  ~StatsExtension() override;
  /// One look at a running or paused VM; the figures are not of one instant. Needs no ownership.
  virtual VmStats read(const CallContext& call) = 0;
};

}  // namespace visor

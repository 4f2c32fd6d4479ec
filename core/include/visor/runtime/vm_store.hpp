// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/error.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/core/vm_record.hpp"
#include "visor/runtime/export.h"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visor {

/// The longest name that a socket in a VM's folder may have: with it, an id of full length still fits below the default
/// run folders.
inline constexpr std::size_t longest_socket_name = 18;
/// The longest path of a Unix socket: sun_path of unix(7) holds 108 bytes, one of them the final zero.
inline constexpr std::size_t longest_socket_path = 107;
inline constexpr std::size_t longest_vm_id = 64;

/// Throws invalid_config unless the id is [A-Za-z0-9][A-Za-z0-9._-]{0,63}.
VISOR_RUNTIME_EXPORT void check_vm_id(std::string_view id);

/// A VM's folder as the store finds it: a record, or why there is none.
struct StoredVm {
  std::string id;
  std::filesystem::path run_dir;
  std::optional<VmRecord> record;
  std::optional<Error> error;
};

/// A new VM's folder while the VM is being made. Destroying it removes the folder unless keep() was called.
class VISOR_RUNTIME_EXPORT NewVmFolder {
 public:
  NewVmFolder(std::filesystem::path path, UniqueFd lock) noexcept;
  NewVmFolder(NewVmFolder&&) noexcept;
  NewVmFolder& operator=(NewVmFolder&&) = delete;
  ~NewVmFolder();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// The VM is made: the folder is its own from now on.
  void keep() noexcept;

 private:
  std::filesystem::path path_;
  UniqueFd lock_;  // flock on the folder: tells others that it is not abandoned
};

/// The run folder: one folder a VM, with its record, lock, sockets and logs. It holds no state of its own, so that any
/// number of processes may use the same folder at once.
///
/// [any thread] [file I/O] Nothing waits for anybody.
class VISOR_RUNTIME_EXPORT VmStore {
 public:
  /// $VISOR_RUN_DIR; for root /run/visorkit; for others $XDG_RUNTIME_DIR/visorkit, or /tmp/visorkit-<uid> without it.
  [[nodiscard]] static std::filesystem::path default_root();

  /// Empty: default_root(). Nothing is touched yet; a relative path counts from the working folder of now.
  explicit VmStore(const std::filesystem::path& root = {});

  [[nodiscard]] const std::filesystem::path& root() const noexcept { return root_; }
  /// Where the VM's folder is or would be. Throws invalid_config for an id that is none.
  [[nodiscard]] std::filesystem::path folder(std::string_view id) const;
  [[nodiscard]] bool contains(std::string_view id) const;

  /// Makes a VM's folder, and the run folder when it is missing, both with mode 0700.
  /// Throws invalid_config (id; socket paths would be too long), already_exists, permission_denied (the run folder is a
  /// symlink, belongs to somebody else, others may write to it or to its parent, it cannot be written), not_found (its
  /// parent is missing), io_error.
  [[nodiscard]] NewVmFolder create(std::string_view id) const;
  /// Throws not_found, naming the run folder and the ids that are there; what read_record() throws.
  [[nodiscard]] VmRecord read(std::string_view id) const;
  /// All VMs by id; one that cannot be read is listed with its error. Empty without a run folder.
  [[nodiscard]] std::vector<StoredVm> list() const;
  /// Removes a VM's folder with all that is in it, whatever state the VM is in. Throws not_found, busy while the VM is
  /// being made.
  void remove(std::string_view id) const;
  /// Removes folders without a record that nobody is making a VM in, and the rest of removals that were cut short.
  /// Returns the ids; what cannot be removed stays.
  std::vector<std::string> remove_abandoned() const;  // NOLINT(modernize-use-nodiscard)

 private:
  void prepare_root() const;
  std::filesystem::path root_;
};

}  // namespace visor

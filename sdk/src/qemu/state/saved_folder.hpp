// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "manifest.hpp"
#include "visor/core/call.hpp"
#include "visor/core/unique_fd.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace visor::sdk {

/// What a saved VM's folder has.
inline constexpr const char* state_file = "state";
inline constexpr const char* manifest_file = "manifest.json";

/// A file that is being made, and that nobody else may read. It is removed again unless keep() was called.
class NewFile {
 public:
  /// Throws already_exists, not_found, permission_denied, io_error, naming the path.
  explicit NewFile(std::filesystem::path path);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&& other) noexcept;
  ~NewFile();

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// What was written is on the disk. Throws exhausted, io_error. [blocks: as long as the disk takes]
  void sync() const;
  void keep() noexcept { kept_ = true; }

 private:
  std::filesystem::path path_;
  UniqueFd fd_;
  bool kept_ = false;
};

/// Throws not_found, invalid_config for what is no empty folder, permission_denied for one that others may enter or
/// that belongs to somebody else.
void check_empty_private_folder(const std::filesystem::path& folder);
/// Entries that were made or renamed are on the disk. Throws io_error.
void sync_folder(const std::filesystem::path& folder);

/// Writes the manifest so that it is there as a whole or not at all. After it the VM counts as saved.
void write_manifest_file(const std::filesystem::path& folder, const Manifest& manifest);
/// Throws not_found for a folder without a whole saved VM, and as manifest_from_value().
Manifest read_manifest_file(const std::filesystem::path& folder);

/// A number that another content of the same size almost certainly does not have: no protection against who wants to
/// deceive. Reads the whole file. Throws io_error, and as CallContext::check().
std::string hash_of_file(int fd, const CallContext& call);

/// Opens the state of a saved VM. Throws not_found, permission_denied, and invalid_config for a file that has not the
/// size that it was written with.
UniqueFd open_state(const std::filesystem::path& folder, const Manifest& manifest);
/// Reads all of it. Throws invalid_config when it is not what was written, and as hash_of_file().
void verify_state(int fd, const std::filesystem::path& folder, const Manifest& manifest, const CallContext& call);

}  // namespace visor::sdk

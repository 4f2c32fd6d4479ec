// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "caps_codec.hpp"
#include "visor/core/log.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace visor::sdk {

/// The identity of a program now. Throws not_found, permission_denied, io_error.
BinaryIdentity identify_binary(const std::string& path);

/// Hears what a reader of a log may want to know.
using CapsLog = std::function<void(LogLevel level, std::string_view text)>;

/// What QEMUs can do, kept for other processes of this user: a folder with one file for each program. It helps or it
/// does nothing: a file that cannot be used is passed over, and the next save() takes its place.
///
/// [any thread] [file I/O] Nothing throws. Files appear whole or not at all, so any number of processes may use one
/// folder at once.
class CapsCache {
 public:
  CapsCache() = default;  ///< none
  CapsCache(std::filesystem::path folder, CapsLog log) : folder_{std::move(folder)}, log_{std::move(log)} {}

  /// What this very program said, by this reader's format.
  [[nodiscard]] std::optional<QemuCaps> load(const BinaryIdentity& identity) const noexcept;
  /// Makes the folder (mode 0700) when it is not there. A script is not kept: what it runs may change, and it not.
  void save(const CachedCaps& cached) const noexcept;
  /// The file of this program. Programs at the same place, one after the other, take turns.
  [[nodiscard]] std::filesystem::path file_of(const BinaryIdentity& identity) const;

 private:
  void tell(LogLevel level, std::string_view text) const noexcept;
  /// Whether it belongs to this user, and nobody else may write into it.
  [[nodiscard]] bool folder_is_private() const;

  std::filesystem::path folder_;  // empty: none
  CapsLog log_;
};

/// $XDG_CACHE_HOME/visorkit/qemu-caps, or ~/.cache/visorkit/qemu-caps; empty when the environment names neither by an
/// absolute path.
std::filesystem::path default_caps_folder();

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/export.h"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace visor {

/// Reads a whole file of at most `limit` bytes. Throws not_found, permission_denied, io_error, or exhausted when
/// larger.
VISOR_CORE_EXPORT std::string read_file(const std::filesystem::path& path, std::size_t limit = std::size_t{16} << 20);

/// Replaces a file so that a reader sees the old content or the new, never a part; on failure the old one stays. Mode
/// 0600. Not synced to disk: for run-time state, which a host crash makes stale anyway.
VISOR_CORE_EXPORT void write_file_atomically(const std::filesystem::path& path, std::string_view content);

}  // namespace visor

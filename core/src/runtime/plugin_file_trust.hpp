// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>

namespace visor::detail {

/// Why a process of root must not run code from this file, or from files of this folder: somebody else may write to it
/// or to a folder above it. A clause that names the path; empty when it may, or when the process is not root.
///
/// The path must be canonical. Then the answer cannot be undone between this check and the load, which is why the file
/// is loaded by its path: to exchange anything on the way, one must be able to write to what was just found closed. (To
/// load /proc/self/fd/N instead would break the plugin's $ORIGIN, by which an installed plugin finds the SDK.)
///
/// Owners of this library and of the folders above it count as root: they could replace the library itself. So a build
/// tree in a user's home works with sudo.
std::string untrusted_reason(const std::filesystem::path& canonical);

}  // namespace visor::detail

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>

namespace visor::detail {

/// Whether a run folder is there. Throws permission_denied when it is not safe to trust: a symlink, somebody else's, or
/// writable by others. Records say which processes to signal, so they must not come from anybody else.
bool run_folder_exists(const std::filesystem::path& root);

/// Makes the run folder when it is missing and sees that it can be written.
void make_run_folder(const std::filesystem::path& root);

/// Makes a folder of mode 0700 whatever the umask is. False when something of that name is there already.
bool make_private_folder(const std::filesystem::path& folder);

/// Removes a folder of the run folder: it disappears at once under its name, then its content goes.
void remove_folder(const std::filesystem::path& folder);
/// Whether a name in the run folder is what remains of a removal that was cut short.
bool is_removal_remnant(const std::filesystem::path& name);

}  // namespace visor::detail

// SPDX-License-Identifier: Apache-2.0
// What a test may have left behind: processes, descriptors, sockets.
#pragma once
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace visor::test {

/// Makes this process the parent of every descendant whose own parent dies, so that none can get out of sight. Throws
/// std::system_error when it cannot.
void adopt_orphans();

/// Reaps the children of this process as they end. Those that still live after `limit` are killed, with their own
/// children, and returned, each as its number and command line: empty means that nothing was left. Killing is given
/// ten seconds; a last line says when that was not enough. Nothing else may wait for children meanwhile.
std::vector<std::string> left_processes(std::chrono::milliseconds limit);

/// How many descriptors this process has open.
std::size_t open_fds();

/// The sockets below a folder.
std::vector<std::string> sockets_in(const std::filesystem::path& folder);

}  // namespace visor::test

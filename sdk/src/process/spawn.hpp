// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/unique_fd.hpp"

#include <sys/types.h>

#include <string>

namespace visor::sdk {

struct SpawnedKeeper {
  pid_t pid = 0;
  UniqueFd pidfd;
};

/// Executes a keeper that has `lifeline` as descriptor 3 and no other of ours but 0, 1 and 2, which it drops at once.
/// Safe in a program with threads: the child makes four system calls on memory of its own, with all signals blocked.
/// [any thread] [blocks until exec] Errors: not_found, permission_denied, io_error; each names the path.
SpawnedKeeper spawn_keeper(const std::string& keeper_path, const std::string& run_dir, int lifeline);

}  // namespace visor::sdk

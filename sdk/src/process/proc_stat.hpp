// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

/// Facts read from /proc. Shared by the keeper and the SDK.
namespace visor::sdk::wire {

/// The whole of a small file of /proc; empty when it cannot be read or is empty.
std::string read_small_file(const char* path);

/// Field 22 of /proc/PID/stat; empty when there is no such process.
std::optional<std::uint64_t> read_start_time(pid_t pid);

int open_pidfd(pid_t pid);
int signal_pidfd(int pidfd, int signal);

}  // namespace visor::sdk::wire

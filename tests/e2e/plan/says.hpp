// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace visor::test {

/// Whether what QEMU answers means the same as a text of a command line: on and off are booleans, "512M" is a number of
/// bytes, a path of an object is its id.
bool says(const std::string& wanted, const Value& got);

/// A number of /proc/PID/status.
std::uint64_t status_of(pid_t pid, const std::string& key);

}  // namespace visor::test

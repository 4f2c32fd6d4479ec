// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "option.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <string>
#include <vector>

namespace visor::test {

/// Why this host cannot start a command line; empty: it can.
std::string host_lacks(const std::string& program, const std::vector<Option>& options);

/// What a command line has that QEMU lacks: devices, objects and network backends by their names and by those of their
/// properties. The client's QEMU needs no machine.
std::vector<std::string> qemu_lacks(sdk::qmp::Client& client, const std::vector<Option>& options);

}  // namespace visor::test

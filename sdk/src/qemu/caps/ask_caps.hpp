// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/qemu_caps.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <string>
#include <vector>

namespace visor::sdk {

/// The device types that the driver makes on some machine, sorted; their properties are asked for.
const std::vector<std::string>& known_drivers();

/// What the QEMU at the other end can do. Deadlines and errors as Client::execute(); hypervisor_error also for lists
/// that no QEMU has.
QemuCaps ask_caps(qmp::Client& client, const CallContext& call);

}  // namespace visor::sdk

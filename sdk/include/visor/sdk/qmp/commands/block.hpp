// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/value.hpp"
#include "visor/sdk/export.h"

#include <string>

namespace visor::sdk::qmp {

class Client;

/// Block nodes. [any thread] [blocks] Deadlines and errors as Client::call().
///
/// Adds a node with what it stands on. `node` is a map as QEMU documents it, PropertyBag::block().to_value() say: each
/// value of its own type, "node-name" at most 31 characters long. QEMU locks the file when a device takes the node, not
/// here. Throws invalid_config when the map has no driver or no node-name.
VISOR_SDK_EXPORT void blockdev_add(Client& client, Value node, const CallContext& call);
/// Removes a node that no device uses.
VISOR_SDK_EXPORT void blockdev_del(Client& client, const std::string& node_name, const CallContext& call);

}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/value.hpp"
#include "visor/sdk/export.h"

#include <string>

namespace visor::sdk::qmp {

class Client;

/// Objects of QEMU that are no devices: memory backends, I/O threads, random number sources. [any thread] [blocks]
/// Deadlines and errors as Client::call().
///
/// Makes an object. `properties` is a flat map with "qom-type" and "id"; QEMU has no member "props" from 6.0 on, and
/// takes the flat form since 5.0. Throws invalid_config when one of the two is missing, or for "props".
VISOR_SDK_EXPORT void object_add(Client& client, Value properties, const CallContext& call);
/// Removes an object that nothing uses.
VISOR_SDK_EXPORT void object_del(Client& client, const std::string& id, const CallContext& call);

}  // namespace visor::sdk::qmp

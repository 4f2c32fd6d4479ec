// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/value.hpp"
#include "visor/sdk/export.h"

#include <string>

namespace visor::sdk::qmp {

class Client;

/// Devices. [any thread] [blocks] Deadlines and errors as Client::call().
///
/// Plugs a device. `properties` is a map with "driver" and, so that it can be removed, "id"; each value has the type
/// that QEMU documents, since QEMU takes text for a number or a switch no more from 9.2 on. A device that QEMU refuses
/// takes it some 50 ms. Throws invalid_config when the map has no driver.
VISOR_SDK_EXPORT void device_add(Client& client, Value properties, const CallContext& call);
/// Asks for the removal of a device: success says that QEMU has asked the guest. unplug() sees it through.
VISOR_SDK_EXPORT void device_del(Client& client, const std::string& id, const CallContext& call);

}  // namespace visor::sdk::qmp

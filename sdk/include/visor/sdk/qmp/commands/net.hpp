// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/value.hpp"
#include "visor/sdk/export.h"

#include <string>

namespace visor::sdk::qmp {

class Client;

/// Network backends. [any thread] [blocks] Deadlines and errors as Client::call().
///
/// Throws invalid_config, naming the backend, for arguments that are known to end QEMU 7.2 instead of being refused:
/// an empty list of descriptors (`fds` or `vhostfds`), and `vhost` on a tap without `vhostforce`, which asserts when
/// the host has no vhost-net. Also for lists of `fds` and `vhostfds` that differ in length, and for names in them that
/// are empty.
VISOR_SDK_EXPORT void check_netdev(const Value& properties);
/// Makes a backend. `properties` is a map with "type" and "id", which check_netdev() takes. QEMU uses up each named
/// descriptor that it reaches, also when it then refuses; those it has not reached stay, see closefd().
VISOR_SDK_EXPORT void netdev_add(Client& client, Value properties, const CallContext& call);
/// Removes a backend at once. A device that still has it loses its link: unplug that first.
VISOR_SDK_EXPORT void netdev_del(Client& client, const std::string& id, const CallContext& call);

}  // namespace visor::sdk::qmp

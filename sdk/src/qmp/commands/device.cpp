// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/commands/device.hpp"

#include "arguments.hpp"

namespace visor::sdk::qmp {

void device_add(Client& client, Value properties, const CallContext& call) {
  require_text("device_add", properties, "driver");
  (void)client.execute("device_add", std::move(properties), call);
}

void device_del(Client& client, const std::string& id, const CallContext& call) {
  run_on(client, "device_del", "id", id, call);
}

}  // namespace visor::sdk::qmp

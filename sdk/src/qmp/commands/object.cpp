// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/commands/object.hpp"

#include "arguments.hpp"

namespace visor::sdk::qmp {

void object_add(Client& client, Value properties, const CallContext& call) {
  require_text("object-add", properties, "qom-type");
  require_text("object-add", properties, "id");
  if (properties.find("props")) {
    throw Error(Errc::invalid_config, "The arguments of object-add must be flat: QEMU has no 'props' since 6.0");
  }
  (void)client.execute("object-add", std::move(properties), call);
}

void object_del(Client& client, const std::string& id, const CallContext& call) {
  run_on(client, "object-del", "id", id, call);
}

}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/commands/block.hpp"

#include "arguments.hpp"

namespace visor::sdk::qmp {

void blockdev_add(Client& client, Value node, const CallContext& call) {
  require_text("blockdev-add", node, "driver");
  require_text("blockdev-add", node, "node-name");
  (void)client.execute("blockdev-add", std::move(node), call);
}

void blockdev_del(Client& client, const std::string& node_name, const CallContext& call) {
  run_on(client, "blockdev-del", "node-name", node_name, call);
}

}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/commands/machine.hpp"

#include "qmp/answer.hpp"

namespace visor::sdk::qmp {

StatusInfo query_status(Client& client, const CallContext& call) {
  return ask(client, "query-status", {}, call, [](const Answer& answer) {
    return StatusInfo{answer.boolean("running"), answer.text("status"), answer.find_boolean("singlestep")};
  });
}

void cont(Client& client, const CallContext& call) { tell(client, "cont", {}, call); }

void stop(Client& client, const CallContext& call) { tell(client, "stop", {}, call); }

void system_powerdown(Client& client, const CallContext& call) { tell(client, "system_powerdown", {}, call); }

void system_reset(Client& client, const CallContext& call) { tell(client, "system_reset", {}, call); }

void system_wakeup(Client& client, const CallContext& call) { tell(client, "system_wakeup", {}, call); }

void quit(Client& client, const CallContext& call) {
  if (const auto before = client.failure()) before->raise();
  const auto outcome = client.call(Command{"quit"}, call);
  const auto* const error = outcome.error();
  if (error && error->code != Errc::disconnected) error->raise();
}

std::string query_name(Client& client, const CallContext& call) {
  return ask(client, "query-name", {}, call,
             [](const Answer& answer) { return answer.find_text("name").value_or(""); });
}

std::string query_uuid(Client& client, const CallContext& call) {
  return ask(client, "query-uuid", {}, call, [](const Answer& answer) { return answer.text("UUID"); });
}

Version query_version(Client& client, const CallContext& call) {
  return ask(client, "query-version", {}, call, [](const Answer& answer) {
    const auto qemu = answer.at("qemu");
    return Version{qemu.integer<std::uint32_t>("major"), qemu.integer<std::uint32_t>("minor"),
                   qemu.integer<std::uint32_t>("micro"), answer.text("package")};
  });
}

}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/commands/qom.hpp"

#include "qmp/answer.hpp"

#include <utility>

namespace visor::sdk::qmp {

Value qom_get(Client& client, const std::string& path, const std::string& property, const CallContext& call) {
  return client.execute("qom-get", Value::map({{"path", path}, {"property", property}}), call);
}

void qom_set(Client& client, const std::string& path, const std::string& property, Value value,
             const CallContext& call) {
  tell(client, "qom-set", Value::map({{"path", path}, {"property", property}, {"value", std::move(value)}}), call);
}

std::vector<QomProperty> qom_list(Client& client, const std::string& path, const CallContext& call) {
  return ask(client, "qom-list", Value::map({{"path", path}}), call, [](const Answer& answer) {
    std::vector<QomProperty> out;
    answer.each([&](const Answer& property) { out.push_back({property.text("name"), property.text("type")}); });
    return out;
  });
}

}  // namespace visor::sdk::qmp

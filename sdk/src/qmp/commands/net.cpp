// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/commands/net.hpp"

#include "arguments.hpp"

#include <algorithm>
#include <optional>

namespace visor::sdk::qmp {
namespace {

[[noreturn]] void refuse(const Value& properties, const std::string& why) {
  throw Error(Errc::invalid_config, "Network backend '" + text_of(properties, "id") + "': " + why);
}

/// How many names a list "a:b" has; nothing when it is absent.
std::optional<std::size_t> count_of(const Value& properties, std::string_view key) {
  const auto* const value = properties.find(key);
  if (!value) return std::nullopt;
  const auto list = ':' + (value->is_string() ? value->as_string() : std::string{}) + ':';
  if (list.find("::") != std::string::npos) {
    refuse(properties, std::string{key} + " must be names joined by ':', none of them empty");
  }
  return static_cast<std::size_t>(std::ranges::count(list, ':')) - 1;
}

bool is_on(const Value& properties, std::string_view key) {
  const auto* const value = properties.find(key);
  return value && value->as_bool();
}

}  // namespace

void check_netdev(const Value& properties) {
  const auto fds = count_of(properties, "fds");
  const auto vhost_fds = count_of(properties, "vhostfds");
  if (vhost_fds && vhost_fds != fds) {
    refuse(properties, "there must be as many vhostfds (" + std::to_string(*vhost_fds) + ") as fds (" +
                           std::to_string(fds.value_or(0)) + ")");
  }
  const bool vhost = is_on(properties, "vhost") || vhost_fds || properties.find("vhostfd");
  if (text_of(properties, "type") == "tap" && vhost && !is_on(properties, "vhostforce")) {
    refuse(properties, "vhost needs vhostforce: without it QEMU 7.2 aborts when vhost does not work on this host");
  }
}

void netdev_add(Client& client, Value properties, const CallContext& call) {
  require_text("netdev_add", properties, "type");
  require_text("netdev_add", properties, "id");
  check_netdev(properties);
  (void)client.execute("netdev_add", std::move(properties), call);
}

void netdev_del(Client& client, const std::string& id, const CallContext& call) {
  run_on(client, "netdev_del", "id", id, call);
}

}  // namespace visor::sdk::qmp

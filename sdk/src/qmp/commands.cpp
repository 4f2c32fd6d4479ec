// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/commands.hpp"

#include "visor/core/error.hpp"
#include "visor/core/value.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <utility>

namespace visor::sdk::qmp {
namespace {

/// Runs a command and reads its answer; an answer of another shape becomes an error that names the command.
template <class Read>
auto query(Client& client, std::string_view command, const CallContext& call, Read&& read) {
  const auto value = client.execute(command, call);
  try {
    return read(value);
  } catch (const Error& error) {
    throw Error(Errc::qemu_error,
                "The answer to " + std::string{command} + " is not as documented: " + error.message());
  }
}

std::string text_or_empty(const Value& map, std::string_view key) {
  const auto* const value = map.find(key);
  return value ? value->as_string() : std::string{};
}

}  // namespace

StatusInfo query_status(Client& client, const CallContext& call) {
  return query(client, "query-status", call, [](const Value& value) {
    return StatusInfo{value.at("running").as_bool(), value.at("status").as_string()};
  });
}

void cont(Client& client, const CallContext& call) { (void)client.execute("cont", call); }

void stop(Client& client, const CallContext& call) { (void)client.execute("stop", call); }

void system_powerdown(Client& client, const CallContext& call) { (void)client.execute("system_powerdown", call); }

void quit(Client& client, const CallContext& call) {
  if (const auto before = client.failure()) before->raise();
  const auto outcome = client.call(Command{"quit"}, call);
  const auto* const error = outcome.error();
  if (error && error->code != Errc::disconnected) error->raise();
}

std::vector<CpuInfo> query_cpus_fast(Client& client, const CallContext& call) {
  return query(client, "query-cpus-fast", call, [](const Value& value) {
    std::vector<CpuInfo> cpus;
    for (const auto& cpu : value.as_list()) {
      cpus.push_back({static_cast<std::uint32_t>(cpu.at("cpu-index").as_uint()), cpu.at("thread-id").as_int(),
                      cpu.at("qom-path").as_string(), text_or_empty(cpu, "target")});
    }
    return cpus;
  });
}

}  // namespace visor::sdk::qmp

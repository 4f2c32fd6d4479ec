// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/commands/cpus.hpp"

#include "qmp/answer.hpp"

#include <array>
#include <string_view>

namespace visor::sdk::qmp {
namespace {

struct Id {
  std::string_view name;
  std::optional<std::int64_t> CpuProperties::* member;
};
constexpr std::array<Id, 6> ids = {{{"node-id", &CpuProperties::node},
                                    {"socket-id", &CpuProperties::socket},
                                    {"die-id", &CpuProperties::die},
                                    {"cluster-id", &CpuProperties::cluster},
                                    {"core-id", &CpuProperties::core},
                                    {"thread-id", &CpuProperties::thread}}};

void read_id(CpuProperties& out, const std::string& name, std::int64_t value) {
  for (const auto& id : ids) {
    if (id.name != name) continue;
    out.*id.member = value;
    return;
  }
  out.others.emplace_back(name, value);
}

/// The member "props" of an answer; QEMU leaves it out where it knows none.
CpuProperties properties_of(const Answer& cpu) {
  CpuProperties out;
  if (!cpu.has("props")) return out;
  const auto props = cpu.at("props");
  if (!props.value().is_map()) props.fail("is no map");
  for (const auto& [name, ignored] : props.value().as_map()) read_id(out, name, props.integer<std::int64_t>(name));
  return out;
}

}  // namespace

Value CpuProperties::to_value() const {
  auto out = Value::map();
  for (const auto& id : ids) {
    if (this->*id.member) out.set(id.name, *(this->*id.member));
  }
  for (const auto& [name, value] : others) out.set(name, value);
  return out;
}

std::vector<CpuInfo> query_cpus_fast(Client& client, const CallContext& call) {
  return ask(client, "query-cpus-fast", {}, call, [](const Answer& answer) {
    std::vector<CpuInfo> cpus;
    answer.each([&](const Answer& cpu) {
      cpus.push_back({cpu.integer<std::uint32_t>("cpu-index"), cpu.integer<std::int64_t>("thread-id"),
                      cpu.text("qom-path"), cpu.find_text("target").value_or(""), properties_of(cpu),
                      cpu.find_text("cpu-state").value_or("")});
    });
    return cpus;
  });
}

std::optional<std::vector<HotpluggableCpu>> query_hotpluggable_cpus(Client& client, const CallContext& call) {
  const std::string_view command = "query-hotpluggable-cpus";
  const auto outcome = client.call(Command{std::string{command}}, call);
  // It takes no arguments: the machine is all that QEMU can find wrong.
  if (outcome.refused(ErrorClass::generic_error)) return std::nullopt;
  std::vector<HotpluggableCpu> cpus;
  Answer{command, outcome.value()}.each([&](const Answer& cpu) {
    cpus.push_back(
        {cpu.text("type"), cpu.integer<std::uint32_t>("vcpus-count"), properties_of(cpu), cpu.find_text("qom-path")});
  });
  return cpus;
}

}  // namespace visor::sdk::qmp

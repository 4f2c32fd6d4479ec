// SPDX-License-Identifier: Apache-2.0
#include "ask_caps.hpp"

#include "caps_codec.hpp"
#include "visor/core/error.hpp"
#include "visor/core/params.hpp"
#include "visor/sdk/device/describe.hpp"
#include "visor/sdk/device/devices.hpp"
#include "visor/sdk/qmp/commands.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace visor::sdk {
namespace {

/// Device types that the driver makes and that no struct has.
constexpr std::array<std::string_view, 4> without_table = {"diag288", "i6300esb", "sclpconsole", "spapr-vty"};

/// All types that a device struct can become, on every transport that has them.
void add_types(const DeviceTable& table, std::set<std::string>& types) {
  if (table.kind != DeviceOption::device) return;
  for (const auto& variant : table.variants) {
    if (!variant.refused.empty() || variant.type.empty()) continue;
    if (!table.virtio) types.emplace(variant.type);
    for (const auto transport : {VirtioTransport::pci, VirtioTransport::ccw, VirtioTransport::mmio}) {
      const bool has = table.virtio && (variant.transports & transport_bit(transport)) != 0;
      if (has) types.insert(virtio_driver(variant.type, transport));
    }
  }
}

/// What may be missing from a command's arguments, by release or by how QEMU was built: a word that an argument takes,
/// or with an empty word the argument itself.
struct FeatureQuestion {
  std::string_view command;
  std::string_view path;
  std::string_view word;
};
constexpr std::array<FeatureQuestion, 3> questions = {
    {{"blockdev-add", "aio", "io_uring"},
     {"chardev-add", "backend.data.reconnect-ms", ""},
     {"migrate-set-capabilities", "capabilities.capability", "x-ignore-shared"}}};

void sort(std::vector<std::string>& names) {
  std::ranges::sort(names);
  const auto rest = std::ranges::unique(names);
  names.erase(rest.begin(), rest.end());
}

std::vector<std::string> names_of(const std::vector<qmp::ObjectType>& types) {
  std::vector<std::string> names;
  names.reserve(types.size());
  for (const auto& type : types) names.push_back(type.name);
  sort(names);
  return names;
}

std::string text(const Value& map, std::string_view key) {
  const auto* const value = map.find(key);
  return value != nullptr ? value->as_string() : std::string{};
}

std::vector<QemuMachineCaps> machines_from(const Value& answer) {
  std::vector<QemuMachineCaps> machines;
  for (const auto& machine : answer.as_list()) {
    const auto most =
        std::min<std::uint64_t>(machine.at("cpu-max").as_uint(), std::numeric_limits<std::int32_t>::max());
    machines.push_back({.name = machine.at("name").as_string(),
                        .alias = text(machine, "alias"),
                        .max_vcpus = static_cast<std::uint32_t>(most)});
  }
  std::ranges::sort(machines, {}, &QemuMachineCaps::name);
  return machines;
}

std::vector<std::string> features_from(const qmp::Schema& schema) {
  std::vector<std::string> names;
  for (const auto& [command, path, word] : questions) {
    const bool has = word.empty() ? schema.has_argument(command, path) : schema.has_enum_member(command, path, word);
    if (!has) continue;
    const Param name{std::string{command} + ':' + std::string{path}, std::string{word}};
    names.push_back(serialize_params({name}, "=").front());
  }
  sort(names);
  return names;
}

std::vector<std::string> properties_of(qmp::Client& client, const std::string& driver, const CallContext& call) {
  std::vector<std::string> names;
  for (const auto& property : qmp::device_list_properties(client, driver, call)) names.push_back(property.name);
  sort(names);
  return names;
}

}  // namespace

const std::vector<std::string>& known_drivers() {
  static const auto drivers = [] {
    std::set<std::string> types{without_table.begin(), without_table.end()};
    for (const auto* const table : device_tables()) add_types(*table, types);
    return std::vector<std::string>{types.begin(), types.end()};
  }();
  return drivers;
}

QemuCaps ask_caps(qmp::Client& client, const CallContext& call) try {
  QemuCaps caps;
  const auto version = qmp::query_version(client, call);
  caps.version = {version.major, version.minor, version.micro};
  caps.machines = machines_from(client.execute("query-machines", call));
  caps.devices = names_of(qmp::qom_list_types(client, "device", false, call));
  caps.objects = names_of(qmp::qom_list_types(client, "user-creatable", false, call));
  caps.features = features_from(qmp::query_qmp_schema(client, call));
  for (const auto& driver : known_drivers()) {
    if (!std::ranges::binary_search(caps.devices, driver)) continue;
    caps.properties.emplace(driver, properties_of(client, driver, call));
  }
  check_bounds(caps);
  return caps;
} catch (const Error& error) {
  if (error.code() != Errc::invalid_config) throw;
  throw Error(Errc::hypervisor_error, "QEMU told what it can do in another way than QEMU does: " + error.message());
}

}  // namespace visor::sdk

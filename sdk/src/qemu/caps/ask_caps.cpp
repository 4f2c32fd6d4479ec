// SPDX-License-Identifier: Apache-2.0
#include "ask_caps.hpp"

#include "caps_codec.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/qmp/commands.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace visor::sdk {
namespace {

constexpr std::array<std::string_view, 43> drivers = {"diag288",
                                                      "i6300esb",
                                                      "intel-iommu",
                                                      "nvdimm",
                                                      "pvpanic",
                                                      "pvpanic-pci",
                                                      "sclpconsole",
                                                      "scsi-hd",
                                                      "spapr-vty",
                                                      "vfio-ap",
                                                      "vfio-ccw",
                                                      "vfio-pci",
                                                      "vhost-user-blk-pci",
                                                      "vhost-user-fs-ccw",
                                                      "vhost-user-fs-device",
                                                      "vhost-user-fs-pci",
                                                      "vhost-user-scsi-pci",
                                                      "vhost-vsock-ccw",
                                                      "vhost-vsock-device",
                                                      "vhost-vsock-pci",
                                                      "virtconsole",
                                                      "virtio-9p-ccw",
                                                      "virtio-9p-device",
                                                      "virtio-9p-pci",
                                                      "virtio-balloon-ccw",
                                                      "virtio-balloon-device",
                                                      "virtio-balloon-pci",
                                                      "virtio-blk-ccw",
                                                      "virtio-blk-device",
                                                      "virtio-blk-pci",
                                                      "virtio-net-ccw",
                                                      "virtio-net-device",
                                                      "virtio-net-pci",
                                                      "virtio-rng-ccw",
                                                      "virtio-rng-device",
                                                      "virtio-rng-pci",
                                                      "virtio-scsi-ccw",
                                                      "virtio-scsi-device",
                                                      "virtio-scsi-pci",
                                                      "virtio-serial-ccw",
                                                      "virtio-serial-device",
                                                      "virtio-serial-pci",
                                                      "virtserialport"};

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

bool boolean(const Value& map, std::string_view key) {
  const auto* const value = map.find(key);
  return value != nullptr && value->as_bool();
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
                        .max_vcpus = static_cast<std::uint32_t>(most),
                        .cpu_hotplug = boolean(machine, "hotpluggable-cpus"),
                        .deprecated = boolean(machine, "deprecated"),
                        .default_cpu = text(machine, "default-cpu-type")});
  }
  std::ranges::sort(machines, {}, &QemuMachineCaps::name);
  return machines;
}

std::vector<std::string> commands_from(const qmp::Schema& schema) {
  std::vector<std::string> names;
  for (const auto& entry : schema.entries()) {
    if (entry.meta_type == "command") names.push_back(entry.name);
  }
  sort(names);
  return names;
}

std::vector<std::string> features_from(const qmp::Schema& schema) {
  std::vector<std::string> names;
  for (const auto& [command, path, word] : questions) {
    const bool has = word.empty() ? schema.has_argument(command, path) : schema.has_enum_member(command, path, word);
    if (!has) continue;
    names.push_back(std::string{command} + ':' + std::string{path} + (word.empty() ? "" : "=") + std::string{word});
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

std::span<const std::string_view> known_drivers() noexcept { return drivers; }

QemuCaps ask_caps(qmp::Client& client, const CallContext& call) try {
  QemuCaps caps;
  const auto version = qmp::query_version(client, call);
  caps.version = {version.major, version.minor, version.micro};
  caps.machines = machines_from(client.execute("query-machines", call));
  caps.devices = names_of(qmp::qom_list_types(client, "device", false, call));
  caps.objects = names_of(qmp::qom_list_types(client, "user-creatable", false, call));
  const auto schema = qmp::query_qmp_schema(client, call);
  caps.commands = commands_from(schema);
  caps.features = features_from(schema);
  for (const auto driver : drivers) {
    if (!std::ranges::binary_search(caps.devices, driver)) continue;
    caps.properties.emplace(driver, properties_of(client, std::string{driver}, call));
  }
  check_bounds(caps);
  return caps;
} catch (const Error& error) {
  if (error.code() != Errc::invalid_config) throw;
  throw Error(Errc::hypervisor_error, "QEMU told what it can do in another way than QEMU does: " + error.message());
}

}  // namespace visor::sdk

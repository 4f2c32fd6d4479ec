// SPDX-License-Identifier: Apache-2.0
#include "caps_codec.hpp"

#include "visor/core/error.hpp"
#include "visor/core/json.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace visor::sdk {
namespace {

constexpr std::string_view format_name = "visorkit.qemu-caps";
constexpr std::size_t max_names = 8192;
constexpr std::size_t max_name_bytes = 256;
constexpr std::size_t max_drivers = 256;

[[noreturn]] void refuse(const std::string& why) {
  throw Error(Errc::invalid_config, "Capabilities of a QEMU: " + why);
}

void check_name(std::string_view name) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (name.empty() || name.size() > max_name_bytes) refuse("a name is empty or longer than 256 bytes");
  if (std::ranges::any_of(name, is_control)) refuse("a name has a control character");
}

void check_names(const std::vector<std::string>& names) {
  if (names.size() > max_names) refuse("a list has more than 8192 names");
  for (const auto& name : names) check_name(name);
  if (!std::ranges::is_sorted(names)) refuse("a list is not sorted");
}

Value names_to_value(const std::vector<std::string>& names) {
  Value::List list;
  list.reserve(names.size());
  for (const auto& name : names) list.emplace_back(name);
  return list;
}

std::vector<std::string> names_from_value(const Value& value) {
  std::vector<std::string> names;
  names.reserve(value.as_list().size());
  for (const auto& name : value.as_list()) names.push_back(name.as_string());
  return names;
}

std::uint32_t number32(const Value& value) {
  if (value.as_uint() > std::numeric_limits<std::uint32_t>::max()) refuse("a number is too large");
  return static_cast<std::uint32_t>(value.as_uint());
}

Value machine_to_value(const QemuMachineCaps& machine) {
  return Value::map({{"name", machine.name}, {"alias", machine.alias}, {"max_vcpus", machine.max_vcpus}});
}

QemuMachineCaps machine_from_value(const Value& value) {
  return {.name = value.at("name").as_string(),
          .alias = value.at("alias").as_string(),
          .max_vcpus = number32(value.at("max_vcpus"))};
}

Value caps_to_value(const QemuCaps& caps) {
  auto machines = Value::list();
  for (const auto& machine : caps.machines) machines.push_back(machine_to_value(machine));
  auto properties = Value::map();
  for (const auto& [driver, names] : caps.properties) properties.set(driver, names_to_value(names));
  const auto& version = caps.version;
  return Value::map({{"version", Value::list({version.major, version.minor, version.micro})},
                     {"binary", caps.binary},
                     {"machines", std::move(machines)},
                     {"devices", names_to_value(caps.devices)},
                     {"objects", names_to_value(caps.objects)},
                     {"features", names_to_value(caps.features)},
                     {"properties", std::move(properties)}});
}

QemuCaps caps_from_value(const Value& value) {
  QemuCaps caps;
  const auto& version = value.at("version").as_list();
  if (version.size() != 3) refuse("a version has three numbers");
  caps.version = {number32(version[0]), number32(version[1]), number32(version[2])};
  caps.binary = value.at("binary").as_string();
  for (const auto& machine : value.at("machines").as_list()) caps.machines.push_back(machine_from_value(machine));
  caps.devices = names_from_value(value.at("devices"));
  caps.objects = names_from_value(value.at("objects"));
  caps.features = names_from_value(value.at("features"));
  for (const auto& [driver, names] : value.at("properties").as_map()) {
    caps.properties[driver] = names_from_value(names);
  }
  return caps;
}

Value identity_to_value(const BinaryIdentity& identity) {
  return Value::map({{"path", identity.path},
                     {"device", identity.device},
                     {"inode", identity.inode},
                     {"size", identity.size},
                     {"modified_ns", identity.modified_ns},
                     {"changed_ns", identity.changed_ns}});
}

BinaryIdentity identity_from_value(const Value& value) {
  return {.path = value.at("path").as_string(),
          .device = value.at("device").as_uint(),
          .inode = value.at("inode").as_uint(),
          .size = value.at("size").as_uint(),
          .modified_ns = value.at("modified_ns").as_int(),
          .changed_ns = value.at("changed_ns").as_int()};
}

}  // namespace

void check_bounds(const QemuCaps& caps) {
  if (caps.machines.size() > max_names) refuse("there are more than 8192 machines");
  for (const auto& machine : caps.machines) {
    check_name(machine.name);
    if (!machine.alias.empty()) check_name(machine.alias);
  }
  if (!std::ranges::is_sorted(caps.machines, {}, &QemuMachineCaps::name)) refuse("the machines are not sorted");
  for (const auto* names : {&caps.devices, &caps.objects, &caps.features}) check_names(*names);
  if (caps.properties.size() > max_drivers) refuse("properties of more than 256 device types");
  for (const auto& [driver, names] : caps.properties) {
    check_name(driver);
    check_names(names);
  }
}

std::string caps_to_text(const CachedCaps& cached) {
  return to_json(Value::map({{"format", format_name},
                             {"version", caps_format},
                             {"identity", identity_to_value(cached.identity)},
                             {"caps", caps_to_value(cached.caps)}}));
}

CachedCaps caps_from_text(std::string_view text) {
  if (text.size() > max_caps_bytes) refuse("the text is longer than 1 MiB");
  const auto value = parse_json(text);
  if (value.at("format").as_string() != format_name) refuse("the text is of another kind");
  if (value.at("version").as_int() != caps_format) refuse("the text has another format version");
  CachedCaps cached{identity_from_value(value.at("identity")), caps_from_value(value.at("caps"))};
  check_bounds(cached.caps);
  return cached;
}

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#include "manifest.hpp"

#include "qemu/plan/plan.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"
#include "visor/core/problems.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <tuple>
#include <utility>

namespace visor::sdk {
namespace {

constexpr std::string_view format = "visorkit VM state";

/// Fields that the two sides of a state have to agree in: what the guest was shown of its machine.
constexpr std::array<std::pair<std::string_view, std::string_view>, 17> shape{{{"machine", "type"},
                                                                               {"machine", "options"},
                                                                               {"machine", "bridges"},
                                                                               {"machine", "root_ports"},
                                                                               {"machine", "iommu"},
                                                                               {"machine", "iommu_platform"},
                                                                               {"cpu", "count"},
                                                                               {"cpu", "max_count"},
                                                                               {"cpu", "model"},
                                                                               {"cpu", "features"},
                                                                               {"memory", "size"},
                                                                               {"memory", "max_size"},
                                                                               {"memory", "slots"},
                                                                               {"boot", "image_attachment"},
                                                                               {"console", "type"},
                                                                               {"storage", "driver"},
                                                                               {"storage", "iothreads"}}};

std::string field_text(const Value& config, std::string_view section, std::string_view key) {
  const auto* const members = config.find(section);
  const auto* const member = members != nullptr ? members->find(key) : nullptr;
  if (member == nullptr) return "none";
  return member->is_string() ? member->as_string() : to_json(*member);
}

std::string device_text(const VmConfig& config, std::size_t index) {
  if (index >= config.devices.size()) return "none";
  const auto& device = config.devices[index];
  return std::string{device_type(device)} + " '" + device_id(device) + "'";
}

std::tuple<unsigned, unsigned, unsigned> release_of(std::string_view text) {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned micro = 0;
  if (std::sscanf(std::string{text}.c_str(), "%u.%u.%u", &major, &minor, &micro) < 2) {
    throw Error(Errc::invalid_config, "'" + std::string{text} + "' is no version of QEMU");
  }
  return {major, minor, 0};  // a state does not change within a release
}

Value list_of(const std::vector<std::string>& texts) {
  auto list = Value::list();
  for (const auto& text : texts) list.push_back(text);
  return list;
}

}  // namespace

Value to_value(const Manifest& manifest) {
  auto files = Value::list();
  for (const auto& file : manifest.files) {
    files.push_back(Value::map({{"path", file.path}, {"size_bytes", file.size_bytes}}));
  }
  return Value::map({{"format", format},
                     {"version", Manifest::current_version},
                     {"plugin", manifest.plugin},
                     {"qemu_version", manifest.qemu_version},
                     {"machine", manifest.machine},
                     {"accelerator", manifest.accelerator},
                     {"uuid", manifest.uuid},
                     {"instance", manifest.instance},
                     {"ran", manifest.ran},
                     {"config", to_value(manifest.config)},
                     {"addresses", manifest.addresses},
                     {"places", manifest.places},
                     {"command", list_of(manifest.command)},
                     {"files", std::move(files)},
                     {"state_bytes", manifest.state_bytes},
                     {"state_hash", manifest.state_hash}});
}

Manifest manifest_from_value(const Value& value) {
  const auto* const name = value.find("format");
  if (name == nullptr || *name != Value{format}) {
    throw Error(Errc::invalid_config, "It does not begin as what visorkit writes of a VM's state");
  }
  const auto version = value.at("version").as_uint();
  if (version > Manifest::current_version) {
    throw Error(Errc::unsupported, "It has version " + std::to_string(version) + ", this visorkit reads up to " +
                                       std::to_string(Manifest::current_version) + ": use the newer one");
  }
  Manifest manifest;
  manifest.plugin = value.at("plugin").as_string();
  manifest.qemu_version = value.at("qemu_version").as_string();
  manifest.machine = value.at("machine").as_string();
  manifest.accelerator = value.at("accelerator").as_string();
  manifest.uuid = value.at("uuid").as_string();
  manifest.instance = value.at("instance").as_string();
  manifest.ran = value.at("ran").as_bool();
  manifest.config = vm_config_from_value(value.at("config"));
  manifest.addresses = value.at("addresses");
  manifest.places = value.at("places");
  for (const auto& word : value.at("command").as_list()) manifest.command.push_back(word.as_string());
  for (const auto& file : value.at("files").as_list()) {
    manifest.files.push_back({file.at("path").as_string(), file.at("size_bytes").as_uint()});
  }
  manifest.state_bytes = value.at("state_bytes").as_uint();
  manifest.state_hash = value.at("state_hash").as_string();
  return manifest;
}

std::vector<NeededFile> needed_files(const VmConfig& config) {
  std::vector<NeededFile> files;
  const auto add = [&](const std::string& path) {
    if (path.empty()) return;
    files.push_back({path, plan::inspect_file(path).size_bytes});
  };
  for (const auto kind :
       {AssetKind::kernel, AssetKind::initrd, AssetKind::early_initrd, AssetKind::image, AssetKind::firmware}) {
    add(asset_path(config, kind));
  }
  for (const auto& path : config.boot.pflash) add(path);
  if (config.vm_template.from) add(config.vm_template.memory_path);
  for (const auto& device : config.devices) {
    if (const auto* const disk = std::get_if<DiskConfig>(&device)) add(disk->path);
    if (const auto* const cloud = std::get_if<CloudInitConfig>(&device)) {
      for (const auto& path : {cloud->user_data_path, cloud->meta_data_path, cloud->network_config_path}) add(path);
    }
  }
  return files;
}

void check_needed_files(const std::vector<NeededFile>& files) {
  Problems problems;
  for (const auto& file : files) {
    problems.gather([&] {
      const auto now = plan::inspect_file(file.path).size_bytes;
      if (now == file.size_bytes) return;
      throw Error(Errc::invalid_config, file.path + " has " + std::to_string(now) + " bytes and had " +
                                            std::to_string(file.size_bytes) + " when the VM was saved");
    });
  }
  problems.throw_if_any();
}

void check_same_shape(const VmConfig& from, const VmConfig& to) {
  Problems problems;
  const auto compare = [&](const std::string& field, const std::string& theirs, const std::string& ours) {
    if (theirs == ours) return;
    problems.add(Errc::invalid_config, field + ": the state is of a VM with " + theirs + ", this one has " + ours);
  };
  const auto theirs = to_value(from, true);
  const auto ours = to_value(to, true);
  for (const auto& [section, key] : shape) {
    compare(std::string{section} + "." + std::string{key}, field_text(theirs, section, key),
            field_text(ours, section, key));
  }
  const auto devices = std::max(from.devices.size(), to.devices.size());
  for (std::size_t i = 0; i < devices; ++i) {
    compare("devices[" + std::to_string(i) + "]", device_text(from, i), device_text(to, i));
  }
  problems.throw_if_any();
}

void check_can_take(const Manifest& manifest, std::string_view plugin, std::string_view qemu_version,
                    std::string_view accelerator) {
  if (manifest.plugin != plugin) {
    throw Error(Errc::unsupported,
                "The state is of a VM of plugin " + manifest.plugin + ", not of " + std::string{plugin});
  }
  if (release_of(manifest.qemu_version) > release_of(qemu_version)) {
    throw Error(Errc::unsupported, "The state was made by QEMU " + manifest.qemu_version + ", and this one is " +
                                       std::string{qemu_version} + ", which is older");
  }
  if (manifest.accelerator != accelerator) {
    throw Error(Errc::unsupported, "The state is of a VM that ran by " + manifest.accelerator + ", and here it is " +
                                       std::string{accelerator} + " (machine.accelerator)");
  }
}

}  // namespace visor::sdk

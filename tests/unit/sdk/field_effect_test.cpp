// SPDX-License-Identifier: Apache-2.0
// Nothing that can be configured is dropped: each field of the configuration changes the command line, or is refused by
// its name, or stands in one of two lists: what the driver acts on elsewhere, and what is kept for others to read.
#include "plan_support.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <set>
#include <string>

namespace visor::sdk::plan {
namespace {

const std::set<std::string> acted_on_elsewhere = {
    "ephemeral",
    "console.log_limit",
    "ready.port",
    "ready.console_line",
    "host.cgroup",
    "host.selinux_label",
    "hypervisor",
    "arch",
    "host.hypervisor_path",
    "host.allowed_hypervisor_paths",
    "host.network_namespace",
    "machine.accelerator",
    // with to_be or from: PlanMemory.OfATemplateIsItsFile; the state's file QEMU never knows
    "template.memory_path",
    "template.state_path",
    // where a device goes that comes later: PlanPorts.ADeviceOfTheHostAvoidsBridgesWhereThatIsAskedFor
    "machine.hotplug_vfio_on_root_bus",
    // patterns, and none that the base's paths would miss
    "host.allowed_entropy_sources",
    "host.allowed_backing_dirs",
    // the socket of a port reaches QEMU as a descriptor
    "serial_port.socket",
    // the virtio-fs daemon and its arguments; the base's share is a 9p one
    "shared_fs.daemon",
    "shared_fs.cache",
    "shared_fs.daemon_args",
    "host.allowed_virtio_fs_daemons",
    // what is on the disk is made when the VM is started
    "cloud_init.datasource",
    "cloud_init.user_data",
    "cloud_init.user_data_path",
    "cloud_init.meta_data",
    "cloud_init.meta_data_path",
    "cloud_init.network_config",
    "cloud_init.network_config_path",
};
const std::set<std::string> informational = {"host.guest_hook_path", "host.factory_vm_id", "fw_cfg.id",
                                             "shared_fs.msize_9p_bytes"};

/// A configuration in which as many fields as possible mean something.
const char* const rich = R"({
  "machine": {"type": "q35"}, "cpu": {"count": 2, "max_count": 4},
  "memory": {"size": "512MiB", "max_size": "1024MiB"},
  "boot": {"kernel": "/k/vmlinuz", "image": "/i/root.img", "early_initrd": "/k/early", "image_attachment": "block"},
  "storage": {"cache_set": true, "cache_no_flush": true},
  "template": {"memory_path": "/m/x", "state_path": "/m/s"},
  "devices": [{"type": "disk", "id": "d", "path": "/dev/sdz"}, {"type": "rng", "id": "r"},
              {"type": "nic", "id": "n", "backend": "tap", "interface": "tap0"},
              {"type": "share", "id": "s", "path": "/srv", "tag": "t"}]})";

/// Values for fields whose kind does not tell a good one, as JSON.
const std::map<std::string, std::string> samples = {
    {"storage.cache_set", "false"},
    {"storage.cache_no_flush", "false"},
    {"cpu.count", "3"},
    {"cpu.max_count", "3"},
    {"memory.size", R"("256MiB")"},
    {"memory.max_size", R"("2GiB")"},
    {"memory.slots", "3"},
    {"memory.offset", R"("64MiB")"},
    {"machine.type", R"("pc")"},
    {"machine.options", R"(["smm=off"])"},
    {"boot.image", R"("/i/dax.img")"},
    {"boot.root_partition", "2"},
    {"boot.root_fs_type", R"("xfs")"},
    {"boot.kernel_params", R"("a=b")"},
    {"boot.pflash", R"(["/f/code.fd"])"},
    {"host.hypervisor_params", R"("no-hpet")"},
    {"cpu.features", R"(["+x"])"},
};

std::vector<std::string> argv_of(const VmConfig& config) {
  const auto caps = default_qemu_caps();
  const HostFacts host{.arch = "amd64", .memory_mib = 8192, .cpus = 4, .kvm = true, .on_vmm = true, .vhost_net = true};
  const std::map<std::string, FileFacts> files = {{"/i/root.img", {.size_bytes = 64U << 20U}},
                                                  {"/i/dax.img", {.size_bytes = 66U << 20U}}};
  const auto& arch = test::arch_of("amd64");
  const auto chosen = with_choices_made(arch, {config, Accelerator::kvm, host, caps}, files);
  return make_plan({chosen, arch, host, caps, Accelerator::kvm, "vm", "/run/vm", "", files}).line.argv("qemu");
}

enum class Effect { changes, refused, none };

/// What becomes of the command line when the second configuration takes the place of the first.
Effect effect_of(const std::string& path, const Value& before, const Value& after) {
  const auto key = path.substr(path.rfind('.') + 1);
  try {
    return argv_of(vm_config_from_value(before)) == argv_of(vm_config_from_value(after)) ? Effect::none
                                                                                         : Effect::changes;
  } catch (const Error& error) {
    EXPECT_NE(error.message().find(key), std::string::npos) << path << ": " << error.message();
    return Effect::refused;
  }
}

/// Another value than the default one; several where any may tell.
std::vector<Value> others(const std::string& path, const Field& field, const void* defaults) {
  if (const auto sample = samples.find(path); sample != samples.end()) return {parse_json(sample->second)};
  switch (field.kind) {
    case FieldKind::boolean:
      return {!field.get(defaults).as_bool()};
    case FieldKind::integer:
      return {field.min + 1};
    case FieldKind::size:
      return {format_size_mib(field.min + 1)};
    case FieldKind::path:
      return {"/x/y"};
    case FieldKind::texts:
      return {Value::list({"x"})};
    case FieldKind::paths:
      return {Value::list({"/*/*"})};
    case FieldKind::params:
      return {"x=y"};
    case FieldKind::choice: {
      std::vector<Value> words;
      for (const auto word : field.choices) {
        if (Value{word} != field.get(defaults)) words.emplace_back(word);
      }
      return words;
    }
    default:
      return {"x"};
  }
}

void set_at(Value& root, const std::string& path, const Value& value) {
  const auto dot = path.find('.');
  if (dot == std::string::npos) {
    root.set(path, value);
    return;
  }
  const auto* present = root.find(path.substr(0, dot));
  auto inner = present != nullptr ? *present : Value::map();
  inner.set(path.substr(dot + 1), value);
  root.set(path.substr(0, dot), inner);
}

void expect_effect(const std::string& path, Effect effect) {
  const bool listed = acted_on_elsewhere.contains(path) || informational.contains(path);
  EXPECT_TRUE(effect != Effect::none || listed) << path << " is dropped silently";
  EXPECT_FALSE(effect != Effect::none && listed) << path << " has an effect and needs no place in a list";
}

void check_section(const Section& section, const std::string& prefix) {
  for (const auto& field : section.fields) {
    const auto path = prefix + std::string{field.key};
    if (field.kind == FieldKind::section) {
      check_section(*field.section, path + ".");
      continue;
    }
    if (field.kind == FieldKind::sections || field.kind == FieldKind::devices) continue;  // the tests below
    auto effect = Effect::none;
    for (const auto& value : others(path, field, section.defaults)) {
      const auto before = parse_json(rich);
      auto after = before;
      set_at(after, path, value);
      effect = std::min(effect, effect_of(path, before, after));
    }
    expect_effect(path, effect);
  }
}

TEST(FieldEffect, EveryFieldChangesThePlanOrIsRefusedOrIsListed) {
  check_section(vm_config_section(), "");
  for (const auto& path : acted_on_elsewhere) std::cout << "acted on elsewhere: " << path << '\n';
  for (const auto& path : informational) std::cout << "informational: " << path << '\n';
}

TEST(FieldEffect, EveryAssetReplacesAFileOrIsRefused) {
  for (const auto* kind : {"kernel", "image", "initrd", "early_initrd", "firmware", "hypervisor_ctl", "jailer"}) {
    const auto before = parse_json(rich);
    auto after = before;
    const auto* const path = std::string_view{kind} == "image" ? "/i/dax.img" : "/x/y";
    after.set("assets", Value::list({Value::map({{"kind", kind}, {"path", path}})}));
    EXPECT_NE(effect_of(kind, before, after), Effect::none) << kind;
  }
}

/// A device of each type, and fields whose effect needs more than that.
const std::map<std::string, std::string> devices = {
    {"disk", R"("path": "/dev/sdz")"},
    {"share", R"("path": "/srv", "tag": "t")"},
    {"nic", R"("backend": "tap", "interface": "tap0")"},
    {"serial_port", R"("name": "p")"},
    {"vsock", R"("cid": 5)"},
    {"vfio", R"("host": "0000:01:00.0")"},
    {"vhost_user", R"("socket": "/s/a")"},
    {"fw_cfg", R"("name": "opt/a", "text": "t")"},
    {"raw", R"("driver": "virtio-rng-pci")"},
};
struct Change {
  const char* before;
  const char* after;
};
const std::map<std::string, Change> changes = {
    {"disk.aio", {R"("path": "/d", "cache_direct": true)", R"("path": "/d", "cache_direct": true, "aio": "native")"}},
    {"disk.logical_block_size_bytes", {R"("path": "/d")", R"("path": "/d", "logical_block_size_bytes": 4096)"}},
    {"disk.physical_block_size_bytes", {R"("path": "/d")", R"("path": "/d", "physical_block_size_bytes": 4096)"}},
    {"nic.backend", {R"("backend": "user")", R"("backend": "tap", "interface": "tap0")"}},
    {"nic.mac", {R"("mac": "02:00:00:00:00:01")", R"("mac": "02:00:00:00:00:02")"}},
    {"vfio.host", {R"("host": "0000:01:00.0")", R"("host": "0000:02:00.0")"}},
    {"vfio.sysfs_path", {R"("host": "0000:01:00.0")", R"("sysfs_path": "/sys/x")"}},
    {"vhost_user.device", {R"("socket": "/s/a")", R"("socket": "/s/a", "device": "scsi")"}},
    {"vhost_user.mac",
     {R"("socket": "/s/a", "device": "net")", R"("socket": "/s/a", "device": "net", "mac": "02:00:00:00:00:01")"}},
    {"vhost_user.tag",
     {R"("socket": "/s/a", "device": "fs", "tag": "a")", R"("socket": "/s/a", "device": "fs", "tag": "b")"}},
    {"rng.period_ms", {R"("max_bytes": 1)", R"("max_bytes": 1, "period_ms": 5)"}},
    {"fw_cfg.name", {R"("name": "opt/a", "text": "t")", R"("name": "opt/b", "text": "t")"}},
    {"fw_cfg.path", {R"("name": "opt/a", "text": "t")", R"("name": "opt/a", "path": "/p")"}},
    {"raw.properties", {R"("driver": "virtio-rng-pci")", R"("driver": "virtio-rng-pci", "properties": {"a": 1})"}},
    {"raw.driver", {R"("driver": "virtio-rng-pci")", R"("driver": "virtio-net-pci")"}},
};

/// The rich configuration with this device as its last.
Value with_device(const std::string& type, const std::string& members) {
  auto config = parse_json(rich);
  config.set("storage", Value::map());  // its defaults would hide what a disk says itself
  auto list = config.at("devices");
  list.push_back(parse_json(R"({"type": ")" + type + '"' + (members.empty() ? "" : ", ") + members + "}"));
  config.set("devices", list);
  return config;
}

/// The same with another value of a field.
Value with_field(const std::string& type, const std::string& members, const Field& field, const Value& value) {
  auto config = with_device(type, members);
  auto list = config.at("devices").as_list();
  list.back().set(field.key, value);
  config.set("devices", list);
  return config;
}

Effect effect_in_device(const Section& section, const Field& field) {
  const std::string type{section.name};
  const auto path = type + "." + std::string{field.key};
  if (const auto change = changes.find(path); change != changes.end()) {
    return effect_of(path, with_device(type, change->second.before), with_device(type, change->second.after));
  }
  const auto found = devices.find(type);
  const auto members = found == devices.end() ? std::string{} : found->second;
  auto effect = Effect::none;
  for (const auto& value : others(path, field, section.defaults)) {
    effect = std::min(effect, effect_of(path, with_device(type, members), with_field(type, members, field, value)));
  }
  return effect;
}

TEST(FieldEffect, EveryFieldOfEveryDevice) {
  for (const auto& section : device_sections()) {
    for (const auto& field : section.fields) {
      expect_effect(std::string{section.name} + "." + std::string{field.key}, effect_in_device(section, field));
    }
  }
}

}  // namespace
}  // namespace visor::sdk::plan

// SPDX-License-Identifier: Apache-2.0
// What the fake says of itself: the machines of all targets, the device and object types that any of them has, and a
// schema of its commands without their arguments, but for those that somebody asks about.
#include "arguments.hpp"
#include "drivers.hpp"
#include "machine.hpp"
#include "refusal.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace visor::testing {
namespace {

struct MachineType {
  const char* name;
  const char* alias;
  std::uint32_t max_cpus;
  bool hotplug;
  const char* cpu;
};

/// As QEMU 7.2 has them, measured.
constexpr std::array<MachineType, 6> machine_types{
    {{"microvm", nullptr, 288, false, "qemu64-x86_64-cpu"},
     {"pc-i440fx-7.2", "pc", 255, true, "qemu64-x86_64-cpu"},
     {"pc-q35-7.2", "q35", 288, true, "qemu64-x86_64-cpu"},
     {"pseries-7.2", "pseries", 4096, true, "power9_v2.0-powerpc64-cpu"},
     {"s390-ccw-virtio-7.2", "s390-ccw-virtio", 248, true, "qemu-s390x-cpu"},
     {"virt-7.2", "virt", 512, false, "cortex-a15-arm-cpu"}}};

constexpr std::array object_types = {"iothread",           "memory-backend-file", "memory-backend-memfd",
                                     "memory-backend-ram", "rng-builtin",         "rng-random"};

Value type_entry(const std::string& name) { return Value::map({{"name", name}, {"parent", "object"}}); }

}  // namespace

Value Machine::query_machines(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  auto all = Value::list({Value::map({{"name", "none"},
                                      {"cpu-max", 1},
                                      {"hotpluggable-cpus", false},
                                      {"numa-mem-supported", false},
                                      {"deprecated", false}})});
  for (const auto& type : machine_types) {
    auto machine = Value::map({{"name", type.name},
                               {"cpu-max", type.max_cpus},
                               {"hotpluggable-cpus", type.hotplug},
                               {"numa-mem-supported", false},
                               {"deprecated", false},
                               {"default-cpu-type", type.cpu}});
    if (type.alias != nullptr) machine.set("alias", type.alias);
    all.push_back(std::move(machine));
  }
  return all;
}

Value Machine::query_qmp_schema(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  auto all = Value::list({
      Value::map({{"name", "0"}, {"meta-type", "object"}, {"members", Value::list()}}),
      Value::map({{"name", "1"},
                  {"meta-type", "object"},
                  {"members", Value::list({Value::map({{"name", "aio"}, {"type", "2"}, {"default", {}}})})}}),
      Value::map({{"name", "2"}, {"meta-type", "enum"}, {"values", Value::list({"threads", "native", "io_uring"})}}),
  });
  for (const auto& [name, handler] : commands()) {
    all.push_back(Value::map({{"name", name},
                              {"meta-type", "command"},
                              {"arg-type", name == "blockdev-add" ? "1" : "0"},
                              {"ret-type", "0"}}));
  }
  return all;
}

Value Machine::qom_list_types(const Value& arguments) {
  Arguments given{arguments};
  const auto implements = given.text("implements", "object");
  (void)given.boolean("abstract");
  given.refuse_rest();
  auto all = Value::list();
  if (implements != "user-creatable") {
    for (const auto& name : all_drivers()) all.push_back(type_entry(name));
  }
  if (implements != "device") {
    for (const auto* const name : object_types) all.push_back(type_entry(name));
  }
  return all;
}

/// It keeps no list of them: an empty one refuses nobody.
Value Machine::device_list_properties(const Value& arguments) {
  Arguments given{arguments};
  const auto type = given.text("typename");
  given.refuse_rest();
  const auto all = all_drivers();
  if (std::ranges::find(all, type) == all.end()) throw Refusal{"DeviceNotFound", "Device '" + type + "' not found"};
  return Value::list();
}

}  // namespace visor::testing

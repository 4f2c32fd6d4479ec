// SPDX-License-Identifier: Apache-2.0
// What the QEMU at hand lacks is refused before it is started, with what it has.
#include "plan.hpp"
#include "qemu/caps/nearest.hpp"
#include "visor/core/error.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <variant>
#include <vector>

namespace visor::sdk::plan {
namespace {

void note_lack(const Input& input, Problems& problems, const std::string& reason, std::string_view kind,
               std::string_view wanted, const std::vector<std::string_view>& names) {
  problems.add(Errc::unsupported, reason + ": " + input.caps.who() + " has no " + std::string{kind} + " '" +
                                      std::string{wanted} + "'; it has " + nearest_first(names, wanted));
}

std::vector<std::string_view> views(const std::vector<std::string>& names) { return {names.begin(), names.end()}; }

std::vector<std::string_view> machine_names(const QemuCaps& caps) {
  std::vector<std::string_view> names;
  for (const auto& machine : caps.machines) names.push_back(machine.alias.empty() ? machine.name : machine.alias);
  return names;
}

/// The next item of a rendered keyval list, whose commas within a value are doubled.
std::string_view next_item(std::string_view& rest) {
  std::size_t end = 0;
  while (end < rest.size() && (rest[end] != ',' || rest.substr(end).starts_with(",,"))) end += rest[end] == ',' ? 2 : 1;
  const auto item = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return item;
}

/// Properties that every device has for -device itself.
bool is_general(std::string_view property) { return property == "id" || property == "bus"; }

/// QEMU takes "virtio-blk" for virtio-blk-pci or -ccw, and lists the latter alone. (qemu: softmmu/qdev-monitor.c)
bool is_alias(const QemuCaps& caps, std::string_view driver) {
  constexpr std::array<std::string_view, 5> others = {"ac97", "ahci", "e1000-82540em", "es1370", "lsi"};
  if (std::ranges::find(others, driver) != others.end()) return true;
  const std::string name{driver};
  return name.starts_with("virtio-") && (caps.may_have_device(name + "-pci") || caps.may_have_device(name + "-ccw"));
}

void check_device(const Input& input, Problems& problems, const CommandLine::Argument& argument) {
  std::string_view rest = argument.value;
  const auto driver = next_item(rest);
  const bool asked = !input.caps.binary.empty();  // a table has no more than what the driver itself makes
  if (asked && !input.caps.may_have_device(driver) && !is_alias(input.caps, driver)) {
    return note_lack(input, problems, argument.reason, "device", driver, views(input.caps.devices));
  }
  while (!rest.empty()) {
    const auto item = next_item(rest);
    const auto property = item.substr(0, item.find('='));
    if (is_general(property) || input.caps.may_have_property(driver, property)) continue;
    note_lack(input, problems, argument.reason, "property of " + std::string{driver}, property,
              views(input.caps.properties.find(driver)->second));
  }
}

void check_disks(const Input& input, Problems& problems) {
  if (input.caps.may_have_feature("blockdev-add:aio=io_uring")) return;
  for (std::size_t i = 0; i < input.config.devices.size(); ++i) {
    const auto* const disk = std::get_if<DiskConfig>(&input.config.devices[i]);
    if (disk == nullptr || disk->aio != DiskAio::io_uring) continue;
    problems.add(Errc::unsupported, device_path(input.config, i) + ".aio: " + input.caps.who() +
                                        " was built without aio io_uring; it has threads, native");
  }
}

}  // namespace

bool detail::check_machine(const Input& input, Problems& problems) {
  const auto& caps = input.caps;
  const auto type = input.machine_type();
  if (!caps.may_have_machine(type)) {
    note_lack(input, problems, "machine.type", "machine", type, machine_names(caps));
    return false;
  }
  const auto* const machine = caps.machine(type);
  if (machine != nullptr && input.config.cpu.count > machine->max_vcpus) {
    problems.add(Errc::unsupported, "cpu.count: machine '" + type + "' of " + caps.who() + " has at most " +
                                        std::to_string(machine->max_vcpus) + " vCPUs, not " +
                                        std::to_string(input.config.cpu.count));
  }
  return true;
}

void detail::check_devices(const Input& input, Plan& plan) {
  for (const auto& argument : plan.line.arguments()) {
    if (argument.option == "-device") check_device(input, plan.problems, argument);
    if (argument.option != "-object") continue;
    std::string_view rest = argument.value;
    const auto type = next_item(rest);
    if (!input.caps.may_have_object(type)) {
      note_lack(input, plan.problems, argument.reason, "object", type, views(input.caps.objects));
    }
  }
  check_disks(input, plan.problems);
}

}  // namespace visor::sdk::plan

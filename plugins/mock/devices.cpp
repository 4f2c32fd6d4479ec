// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"
#include "visor/core/error.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace visor::mock {
namespace {

constexpr std::uint32_t first_pci_device = 2;  // 0 and 1 are the host bridge and the console's bus
constexpr std::uint32_t serial_ports = 30;     // port 0 is the console
constexpr std::uint32_t memory_slots = 255;
constexpr std::uint64_t default_block_mib = 128;

bool is_nvdimm(const DeviceConfig& device) noexcept {
  const auto* disk = std::get_if<DiskConfig>(&device);
  return disk != nullptr && disk->bus == DiskBus::nvdimm;
}

struct Range {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

Range addresses(std::string_view kind, const Machine& machine) {
  if (kind == "pci") return {first_pci_device, machine.options.device_slots};
  if (kind == "port") return {1, serial_ports};
  return {0, memory_slots};
}

std::uint32_t free_number(const Machine& machine, std::string_view kind) {
  const auto range = addresses(kind, machine);
  for (auto number = range.first; number < range.first + range.count; ++number) {
    const auto taken = [&](const Slot& slot) { return slot.kind == kind && slot.number == number; };
    if (std::ranges::none_of(machine.slots, taken)) return number;
  }
  throw Error(Errc::exhausted, "VM " + machine.record.id + " has no free " + std::string{kind} + " address: all " +
                                   std::to_string(range.count) + " are taken; remove a device first");
}

std::string address_text(std::string_view kind, std::uint32_t number) {
  if (kind != "pci") return std::to_string(number);
  char text[16];
  (void)std::snprintf(text, sizeof text, "0000:00:%02x.0", number & 0xffu);
  return text;
}

std::uint64_t round_up(std::uint64_t value, std::uint64_t block) { return (value + block - 1) / block * block; }

}  // namespace

std::string_view address_kind(const DeviceConfig& device) noexcept {
  if (is_nvdimm(device)) return "slot";
  if (std::holds_alternative<SerialPortConfig>(device)) return "port";
  const bool none = std::holds_alternative<PanicConfig>(device) || std::holds_alternative<FwCfgConfig>(device) ||
                    std::holds_alternative<IoThreadConfig>(device) || std::holds_alternative<RawDeviceConfig>(device);
  return none ? "" : "pci";
}

std::optional<Feature> hotplug_feature(const DeviceConfig& device) noexcept {
  if (std::holds_alternative<DiskConfig>(device)) return Feature::hotplug_disk;
  if (std::holds_alternative<NicConfig>(device)) return Feature::hotplug_nic;
  if (std::holds_alternative<SerialPortConfig>(device)) return Feature::hotplug_serial_port;
  if (std::holds_alternative<VsockConfig>(device)) return Feature::hotplug_vsock;
  if (std::holds_alternative<VfioConfig>(device)) return Feature::hotplug_vfio;
  if (std::holds_alternative<VhostUserConfig>(device)) return Feature::hotplug_vhost_user;
  return std::nullopt;
}

bool Machine::has_device(std::string_view id) const noexcept {
  return std::ranges::any_of(record.config.devices, [id](const auto& device) { return device_id(device) == id; });
}

HotplugResult Machine::add_device(DeviceConfig device) {
  auto number = next_device;
  while (device_id(device).empty()) {
    auto id = std::string{device_type(device)} + std::to_string(number++);
    if (!has_device(id)) set_device_id(device, std::move(id));
  }
  const auto& id = device_id(device);
  if (has_device(id)) throw Error(Errc::already_exists, "VM " + record.id + " has a device '" + id + "' already");
  HotplugResult result{id, std::string{address_kind(device)}, {}};
  if (!result.address_kind.empty()) {
    const auto address = free_number(*this, result.address_kind);
    result.address = address_text(result.address_kind, address);
    slots.push_back({id, result.address_kind, address});
  }
  record.config.devices.push_back(std::move(device));
  next_device = number;
  return result;
}

void Machine::remove_device(std::string_view id) {
  std::erase_if(record.config.devices, [id](const auto& device) { return device_id(device) == id; });
  std::erase_if(slots, [id](const Slot& slot) { return slot.device == id; });
}

bool Machine::unplug_pending(std::string_view id) const noexcept {
  return std::ranges::any_of(effects, [id](const Effect& effect) {
    return effect.device == id && (effect.kind == EffectKind::unplug_gone || effect.kind == EffectKind::unplug_refused);
  });
}

void Machine::request_unplug(const std::string& id, const Now& now) {
  if (unplug_pending(id)) return;
  const auto own = options.unplug_of.find(id);
  const auto mode = own == options.unplug_of.end() ? options.unplug : own->second;
  const auto time = guest_time(now);
  switch (mode) {
    case UnplugMode::gone:
      return effects.push_back({EffectKind::unplug_gone, time, id});
    case UnplugMode::refuse:
      return effects.push_back({EffectKind::unplug_refused, time, id});
    case UnplugMode::pending:
      return effects.push_back(
          {EffectKind::unplug_gone, options.unplug_after ? time + *options.unplug_after : Effect::never, id});
  }
}

std::uint32_t Machine::vcpu_count() const noexcept {
  return record.config.cpu.count + static_cast<std::uint32_t>(vcpus.size());
}

VcpuResize Machine::resize_vcpus(std::uint32_t target) {
  const auto boot = record.config.cpu.count;
  const auto max = record.config.cpu.max_count;
  if (target > max) {
    throw Error(Errc::exhausted, "VM " + record.id + " can have at most " + std::to_string(max) +
                                     " vCPUs (cpu.max_count), not " + std::to_string(target));
  }
  if (target < boot) {
    throw Error(Errc::invalid_config, "VM " + record.id + " booted with " + std::to_string(boot) +
                                          " vCPUs, which cannot be removed; " + std::to_string(target) + " is too few");
  }
  VcpuResize result{vcpu_count(), target};
  while (vcpu_count() < target) vcpus.push_back(next_vcpu++);  // a number is never used again
  vcpus.resize(target - boot);                                 // the newest go first
  return result;
}

std::uint64_t Machine::memory_total_mib() const noexcept {
  auto total = record.config.memory.size_mib;
  for (const auto size : memory_mib) total += size;
  return total;
}

MemoryResize Machine::resize_memory(std::uint64_t target_mib, std::uint64_t block_mib) {
  const auto& config = record.config.memory;
  const auto block = block_mib == 0 ? default_block_mib : block_mib;
  const auto room = config.max_size_mib > config.size_mib ? config.max_size_mib - config.size_mib : 0;
  if (target_mib > config.size_mib + room) {
    throw Error(Errc::exhausted, "VM " + record.id + " can have at most " + std::to_string(config.size_mib + room) +
                                     " MiB of memory (memory.max_size), not " + std::to_string(target_mib));
  }
  if (target_mib < config.size_mib) {
    throw Error(Errc::invalid_config, "VM " + record.id + " booted with " + std::to_string(config.size_mib) +
                                          " MiB, which cannot be removed; " + std::to_string(target_mib) +
                                          " is too little");
  }
  // Rounding up must not pass the limit: the last whole block below it is what there is.
  const auto most = room / block * block;
  const auto difference = target_mib - config.size_mib;
  const auto wanted = difference > most ? most : round_up(difference, block);
  auto added = memory_total_mib() - config.size_mib;
  if (added < wanted) {
    const auto slot_limit = config.slots == 0 ? memory_slots : config.slots;
    if (memory_mib.size() >= slot_limit) {
      throw Error(Errc::exhausted, "VM " + record.id + " has no free memory slot: all " + std::to_string(slot_limit) +
                                       " (memory.slots) are taken");
    }
    memory_mib.push_back(wanted - added);
  }
  while (added > wanted) {
    const auto part = std::min(added - wanted, memory_mib.back());
    memory_mib.back() -= part;
    added -= part;
    if (memory_mib.back() == 0) memory_mib.pop_back();
  }
  return {std::max(target_mib, config.size_mib + wanted), memory_total_mib()};
}

Machine make_machine(VmRecord record, Options options) {
  Machine machine;
  machine.record = std::move(record);
  machine.options = std::move(options);
  machine.next_vcpu = machine.record.config.cpu.count;
  for (auto& device : std::exchange(machine.record.config.devices, {})) machine.add_device(std::move(device));
  return machine;
}

}  // namespace visor::mock

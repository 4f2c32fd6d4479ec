// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qemu/arch_rules.hpp"

#include "visor/core/error.hpp"
#include "visor/core/problems.hpp"
#include "visor/sdk/device/property_bag.hpp"

#include <algorithm>
#include <initializer_list>
#include <string>

namespace visor::sdk {
namespace {

constexpr std::uint32_t default_slots = 10;

std::uint64_t round_up(std::uint64_t value, std::uint64_t step) { return (value + step - 1) / step * step; }

/// What the image as non-volatile memory takes of the room for modules: QEMU counts both against maxmem.
std::uint64_t image_room_mib(const ArchInput& in, std::uint64_t block_mib) {
  if (in.config.boot.image_attachment != ImageAttachment::nvdimm) return 0;
  return round_up(in.image_bytes, block_mib << 20U) >> 20U;
}

std::string machine_list(const QemuArch& arch) {
  std::string list;
  for (const auto& machine : arch.machines()) list += (list.empty() ? "" : ", ") + std::string{machine.type};
  return list;
}

/// How memory grows where both ways are there is the configuration's choice.
bool by_virtio_mem(const QemuMachine& machine, const MemoryConfig& memory) {
  return machine.virtio_mem && (memory.virtio_mem || !machine.memory_hotplug);
}

void check_memory_growth(Problems& problems, const QemuMachine& machine, const MemoryConfig& memory,
                         const MemoryTopology& topology) {
  const auto who = "machine.type " + std::string{machine.type} + ": ";
  const bool grows = memory.max_size_mib > memory.size_mib;
  if (grows && !machine.memory_hotplug && !machine.virtio_mem) {
    problems.add(Errc::unsupported, who + "memory cannot be plugged; leave memory.max_size out");
  }
  if (memory.virtio_mem && !machine.virtio_mem) {
    problems.add(Errc::unsupported,
                 "memory.virtio_mem: machine " + std::string{machine.type} + " has no virtio-mem device; leave it out");
  } else if (memory.virtio_mem && !grows) {
    problems.add(Errc::invalid_config, "memory.virtio_mem: there is nothing to resize; set memory.max_size, too");
  } else if (grows && by_virtio_mem(machine, memory) && topology.virtio_mem_mib == 0) {
    problems.add(Errc::invalid_config, "memory.max_size: a virtio-mem device has blocks of " +
                                           std::to_string(topology.block_mib) +
                                           " MiB; give at least as much above memory.size");
  }
}

/// Claims the features, or says why they are missing.
void claim(Capabilities& out, bool possible, std::initializer_list<Feature> features, const std::string& reason) {
  for (const auto feature : features) {
    if (possible) {
      out.add(feature);
    } else {
      out.remove(feature, reason);
    }
  }
}

}  // namespace

QemuMachine machine_of(const QemuArch& arch, const ArchInput& in) {
  const auto& wanted = in.config.machine.type;
  const auto type = wanted.empty() ? arch.default_machine() : std::string_view{wanted};
  const auto machines = arch.machines();
  const auto found = std::ranges::find(machines, type, &QemuMachine::type);
  if (found != machines.end()) return *found;
  throw Error(Errc::invalid_config, "machine.type: unknown machine '" + wanted + "' for " + std::string{arch.name()} +
                                        "; it has " + machine_list(arch));
}

SmpTopology one_core_sockets(const QemuMachine& machine, const ArchInput& in) {
  const auto cpus = std::max(in.config.cpu.count, 1U);
  const auto max = machine.cpu_hotplug ? std::max(cpus, in.config.cpu.max_count) : cpus;
  return {.cpus = cpus, .max_cpus = max, .sockets = max, .cores = 1, .threads = 1};
}

MemoryTopology plain_memory(const QemuMachine& machine, const ArchInput& in, std::uint64_t alignment_mib,
                            std::uint64_t block_mib) {
  const auto& memory = in.config.memory;
  MemoryTopology out;
  out.size_mib = round_up(memory.size_mib, alignment_mib);
  out.alignment_mib = alignment_mib;
  out.block_mib = block_mib;
  const bool plugs = (machine.memory_hotplug || machine.virtio_mem) && memory.max_size_mib > memory.size_mib;
  if (plugs && by_virtio_mem(machine, memory)) {
    out.virtio_mem_mib = (memory.max_size_mib - memory.size_mib) / block_mib * block_mib;
  }
  const auto image_mib = image_room_mib(in, block_mib);
  if (!plugs && image_mib == 0) return out;
  const auto top = plugs ? memory.max_size_mib : out.size_mib;
  out.max_mib = round_up(top + image_mib + memory.offset_mib, alignment_mib);
  if (out.virtio_mem_mib != 0 && image_mib == 0) return out;  // it takes no slot
  out.slots = memory.slots != 0 ? memory.slots : default_slots;
  return out;
}

Capabilities machine_capabilities(const QemuMachine& machine) {
  const std::string who{machine.type};
  Capabilities out{Feature::multi_queue, Feature::shared_fs, Feature::hotplug_serial_port};
  claim(out, machine.transport != VirtioTransport::mmio,
        {Feature::hotplug_disk, Feature::hotplug_nic, Feature::hotplug_vsock, Feature::hotplug_vfio,
         Feature::hotplug_vhost_user},
        who + " has no bus that devices can be plugged into");
  claim(out, machine.cpu_hotplug, {Feature::resize_vcpus}, who + " cannot plug vCPUs");
  claim(out, machine.cpu_unplug, {Feature::shrink_vcpus}, who + " cannot unplug vCPUs");
  claim(out, machine.memory_hotplug || machine.virtio_mem, {Feature::resize_memory, Feature::shrink_memory},
        who + " cannot plug memory");
  claim(out, machine.nvdimm, {Feature::nvdimm}, who + " has no non-volatile memory");
  claim(out, machine.iommu, {Feature::iommu}, who + " has no IOMMU");
  return out;
}

std::string user_machine_option(const VmConfig& config, std::string_view key) {
  std::string value;
  for (const auto& option : deserialize_params(config.machine.options)) {
    if (option.key == key) value = option.value;
  }
  return value;
}

std::string cpu_model_of(const ArchInput& in, std::string_view fallback, const std::vector<std::string>& features) try {
  std::string model = in.config.cpu.model;
  if (model.empty()) model = in.accelerator == Accelerator::kvm ? std::string{"host"} : std::string{fallback};
  auto all = in.config.cpu.features;
  all.insert(all.end(), features.begin(), features.end());
  return cpu_words(model, all);
} catch (const Error& error) {
  throw Error(error.code(), "cpu.model and cpu.features: " + error.message() + "; each feature is an item of its own");
}

void check_common_limits(const QemuArch& arch, const ArchInput& in) {
  const auto machine = machine_of(arch, in);
  const auto& config = in.config;
  const auto limit = arch.max_vcpus(in);
  const auto at_most = "at most " + std::to_string(limit) + " vCPUs, ";
  const auto who = "machine.type " + std::string{machine.type} + ": ";
  Problems problems;
  if (config.cpu.count > limit) {
    problems.add(Errc::invalid_config, who + at_most + "cpu.count is " + std::to_string(config.cpu.count));
  }
  if (config.cpu.max_count > limit && machine.cpu_hotplug) {
    problems.add(Errc::invalid_config, who + at_most + "cpu.max_count is " + std::to_string(config.cpu.max_count));
  }
  check_memory_growth(problems, machine, config.memory, arch.memory(in));
  if (config.machine.iommu && !machine.iommu) problems.add(Errc::unsupported, who + "it has no IOMMU");
  if (config.boot.image_attachment == ImageAttachment::nvdimm) {
    const auto image = arch.image(in);
    if (!image.nvdimm) {
      problems.add(Errc::unsupported, who + "boot.image_attachment nvdimm is not possible: " + image.nvdimm_refusal);
    }
  }
  if (config.cpu.model == "host" && in.accelerator != Accelerator::kvm) {
    problems.add(Errc::unsupported, "cpu.model: 'host' needs KVM; leave it out or name a model");
  }
  problems.throw_if_any();
}

}  // namespace visor::sdk

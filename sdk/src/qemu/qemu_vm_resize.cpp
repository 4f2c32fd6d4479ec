// SPDX-License-Identifier: Apache-2.0
// More memory and vCPUs, or fewer, while the VM runs. QEMU is asked what there is each time; the record says it for who
// reads that.
#include "prepared.hpp"
#include "qemu_vm.hpp"
#include "resize/memory_steps.hpp"
#include "resize/plugged_memory.hpp"
#include "resize/vcpus.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/hotplug/plug.hpp"
#include "visor/sdk/qmp/commands/device.hpp"

#include <algorithm>
#include <utility>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

/// How long a call that has failed may take to find out what is left.
constexpr auto settle_up = 2000ms;

void check_vcpu_target(const std::string& vm, const CpuConfig& cpu, std::uint32_t target) {
  if (target > cpu.max_count) {
    throw Error(Errc::exhausted, vm + " can have at most " + std::to_string(cpu.max_count) +
                                     " vCPUs (cpu.max_count), not " + std::to_string(target));
  }
  if (target < cpu.count) {
    throw Error(Errc::invalid_config, vm + " started with " + std::to_string(cpu.count) +
                                          " vCPUs (cpu.count), which cannot be removed; " + std::to_string(target) +
                                          " is too few");
  }
}

void record_vcpus(VmRecord& record, const Vcpus& vcpus) {
  auto plugged = Value::list();
  for (const auto& vcpu : vcpus.plugged) plugged.push_back(vcpu.device);
  record.blob.set("vcpus", vcpus.count).set("plugged_vcpus", std::move(plugged));
}

void record_memory(VmRecord& record, const PluggedMemory& memory) {
  record.blob.set("memory_modules", memory.modules_value());
  if (memory.virtio_mem) record.blob.set("virtio_mem_mib", memory.virtio_mem->requested_mib);
}

/// The backend of a module that is not there: a session was lost, or a process died, between the two.
void remove_left_over(qmp::Client& client, const PluggedMemory& memory, const MemoryModule& module,
                      const CallContext& call) {
  if (std::ranges::find(memory.modules, module.number, &MemoryModule::number) != memory.modules.end()) return;
  (void)client.call({"object-del", Value::map({{"id", module.memory()}})}, call);
}

bool is_recorded(const Value& blob, const MemoryModule& module) {
  const auto* const modules = blob.find("memory_modules");
  const auto is_it = [&](const Value& one) { return one.at("id") == Value{module.id()}; };
  return modules != nullptr && std::ranges::any_of(modules->as_list(), is_it);
}

bool is_set(const Value& blob, std::string_view key) {
  const auto* const value = blob.find(key);
  return value != nullptr && *value == Value{true};
}

}  // namespace

void QemuVm::keep(const std::function<void(VmRecord&)>& change) {
  auto record = this->record();
  change(record);
  write_record(record);
  const std::scoped_lock lock{mutex_};
  record_ = std::move(record);
}

void QemuVm::keep_after_failure(const std::function<void(VmRecord&)>& change) noexcept try {
  keep(change);
} catch (const std::exception& error) {
  driver_->log(LogLevel::warning, id_, std::string{"The record is not what is there: "} + error.what());
}

void QemuVm::look_after_failure(const std::function<void(qmp::Client&, const CallContext&)>& look) noexcept try {
  with_monitor(settle_up, look);  // another connection, when this one was lost
} catch (const std::exception& error) {
  driver_->log(LogLevel::debug, id_, std::string{"What a failed change left is not known: "} + error.what());
}

void QemuVm::check_memory_map(std::string_view operation) const {
  if (!is_set(record().blob, "vcpus_were_removed")) return;
  throw Error(Errc::unsupported,
              "VM '" + id_ + "': " + std::string{operation} +
                  " is not possible any more: a vCPU was removed, and QEMU's emulation (TCG) crashes "
                  "when devices, memory or vCPUs come or go after that; start the VM anew");
}

VcpuResize QemuVm::resize_vcpus(std::uint32_t target, const CallContext& call) {
  capabilities().require(Feature::resize_vcpus, driver_->name());
  VcpuResize result;
  change("resize_vcpus", call, [&](qmp::Client& client) {
    check_vcpu_target("VM '" + id_ + "'", config().cpu, target);
    auto vcpus = read_vcpus(client, call);
    result.before = vcpus.count;
    if (target > vcpus.count) grow_vcpus(client, vcpus, target, call);
    if (target < vcpus.count) shrink_vcpus(client, vcpus, target, call);
    result.after = vcpus.count;
  });
  return result;
}

/// What was added stays when the next one fails: a guest has seen it, and not every machine takes one back.
void QemuVm::grow_vcpus(qmp::Client& client, Vcpus& vcpus, std::uint32_t target, const CallContext& call) {
  check_memory_map("adding a vCPU");
  auto planned = vcpus;
  for (const auto& place : vcpus.free) {
    if (planned.count >= target) break;
    planned.plugged.push_back(place);
    planned.count += place.vcpus;
  }
  if (planned.count != target) {
    throw Error(Errc::exhausted, "VM '" + id_ + "' has no place for " + std::to_string(target) + " vCPUs");
  }
  keep([&](VmRecord& record) { record_vcpus(record, planned); });  // what cannot be recorded is not begun
  try {
    while (vcpus.plugged.size() < planned.plugged.size()) {
      const auto& next = planned.plugged[vcpus.plugged.size()];
      qmp::device_add(client, next.device, call);
      vcpus.plugged.push_back(next);
      vcpus.count += next.vcpus;
      call.report("vcpus", vcpus.count, target);
    }
  } catch (const Error& error) {
    look_after_failure([&](qmp::Client& other, const CallContext& own) { vcpus = read_vcpus(other, own); });
    keep_after_failure([&](VmRecord& record) { record_vcpus(record, vcpus); });
    throw Error(error.code(), error.message() + "; VM '" + id_ + "' has " + std::to_string(vcpus.count) +
                                  " vCPUs now, those that were added stay");
  }
}

void QemuVm::shrink_vcpus(qmp::Client& client, Vcpus& vcpus, std::uint32_t target, const CallContext& call) {
  capabilities().require(Feature::shrink_vcpus, driver_->name());
  const auto blob = record().blob;
  const auto* const accelerator = blob.find("accelerator");
  const bool emulated = accelerator != nullptr && *accelerator == Value{"tcg"};
  bool removed = is_set(blob, "vcpus_were_removed");
  const auto note = [&](VmRecord& record) {
    record_vcpus(record, vcpus);
    record.blob.set("vcpus_were_removed", removed);
  };
  if (emulated && !vcpus.plugged.empty()) {
    keep([](VmRecord& record) { record.blob.set("vcpus_were_removed", true); });  // whoever ends this process meanwhile
  }
  try {
    while (vcpus.count > target && !vcpus.plugged.empty() && vcpus.plugged.back().vcpus <= vcpus.count - target) {
      const auto outcome = remove_vcpu(client, vcpus.plugged.back(), call);
      removed = removed || (emulated && outcome != UnplugOutcome::refused);
      if (outcome != UnplugOutcome::gone) break;
      vcpus.count -= vcpus.plugged.back().vcpus;
      vcpus.plugged.pop_back();
      call.report("vcpus", vcpus.count, target);
    }
  } catch (const Error& error) {
    removed = removed || (emulated && error.code() != Errc::hypervisor_error);  // it may still go
    keep_after_failure([&](VmRecord& record) { note(record); });
    throw;
  }
  keep(note);
}

MemoryResize QemuVm::resize_memory(std::uint64_t target_mib, std::uint64_t block_mib, const CallContext& call) {
  capabilities().require(Feature::resize_memory, driver_->name());
  MemoryResize result;
  change("resize_memory", call, [&](qmp::Client& client) {
    const auto topology = memory_of(*driver_, config());
    const auto room = memory_room(config().memory, topology);
    check_memory_target("VM '" + id_ + "'", room, target_mib);
    auto memory = read_plugged_memory(client, call);
    const auto unit = memory.virtio_mem ? memory.virtio_mem->block_mib : topology.alignment_mib;
    const auto step = memory_step(block_mib, topology.block_mib, unit);
    const auto wanted = memory_to_add(room, target_mib, step);
    const auto added = memory.virtio_mem ? memory.virtio_mem->requested_mib : memory.added_mib();
    if (wanted < added) capabilities().require(Feature::shrink_memory, driver_->name());
    if (memory.virtio_mem) {
      resize_by_virtio_mem(client, memory, wanted, call);
    } else if (wanted > added) {
      check_memory_map("adding memory");
      if (memory.slots_taken >= topology.slots) {
        throw Error(Errc::exhausted, "VM '" + id_ + "' has no free memory slot: all " + std::to_string(topology.slots) +
                                         " (memory.slots) are taken");
      }
      add_module(client, memory, module_size(room.boot_mib + added, wanted - added, step), call);
    } else {
      remove_modules(client, memory, wanted, call);
    }
    result = {std::max(target_mib, room.boot_mib + wanted), room.boot_mib + memory.added_mib()};
  });
  return result;
}

void QemuVm::add_module(qmp::Client& client, PluggedMemory& memory, std::uint64_t size_mib, const CallContext& call) {
  const MemoryModule module{.number = memory.modules.empty() ? 0 : memory.modules.back().number + 1,
                            .size_mib = size_mib};
  if (is_recorded(record().blob, module)) remove_left_over(client, memory, module, call);
  auto planned = memory;
  planned.modules.push_back(module);
  keep([&](VmRecord& record) { record_memory(record, planned); });  // what cannot be recorded is not begun
  const auto backend = plan::detail::memory_backend(config(), module.memory(), size_mib << 20U);
  try {
    hotplug::plug(client, backend, PcDimm{.id = module.id(), .memdev = backend.id}, call);
  } catch (...) {
    look_after_failure([&](qmp::Client& other, const CallContext& own) {
      memory = read_plugged_memory(other, own);
      remove_left_over(other, memory, module, own);
    });
    keep_after_failure([&](VmRecord& record) { record_memory(record, memory); });
    throw;
  }
  memory = std::move(planned);
}

/// The newest first, and none of which a part is to stay. What the guest does not let go of stays, with all before it.
void QemuVm::remove_modules(qmp::Client& client, PluggedMemory& memory, std::uint64_t wanted_mib,
                            const CallContext& call) {
  const auto removable = [&] {
    return !memory.modules.empty() && memory.modules.back().size_mib <= memory.added_mib() - wanted_mib;
  };
  if (memory.added_mib() == wanted_mib || !removable()) return;
  check_memory_map("removing memory");
  try {
    while (memory.added_mib() > wanted_mib && removable()) {
      if (remove_module(client, memory.modules.back(), call) != UnplugOutcome::gone) break;
      memory.modules.pop_back();
    }
  } catch (...) {
    keep_after_failure([&](VmRecord& record) { record_memory(record, memory); });
    throw;
  }
  keep([&](VmRecord& record) { record_memory(record, memory); });
}

/// A guest that takes none of what was added has no driver for it: then nothing is asked of it any more.
void QemuVm::resize_by_virtio_mem(qmp::Client& client, PluggedMemory& memory, std::uint64_t wanted_mib,
                                  const CallContext& call) {
  auto& device = *memory.virtio_mem;
  const auto before = device;
  if (wanted_mib == before.requested_mib && wanted_mib == before.size_mib) return;
  check_memory_map("resizing memory");
  device.requested_mib = wanted_mib;
  keep([&](VmRecord& record) { record_memory(record, memory); });  // what cannot be recorded is not begun
  try {
    request_virtio_mem(client, wanted_mib, call);
    device.size_mib = await_virtio_mem(client, wanted_mib, call);
    if (wanted_mib > before.size_mib && device.size_mib == before.size_mib) {
      throw Error(Errc::timeout, "The guest of VM '" + id_ +
                                     "' has taken none of the memory that it was offered; it "
                                     "needs a driver for virtio-mem");
    }
  } catch (...) {
    device = before;
    look_after_failure([&](qmp::Client& other, const CallContext& own) {
      request_virtio_mem(other, before.requested_mib, own);
      device.size_mib = read_plugged_memory(other, own).added_mib();
    });
    keep_after_failure([&](VmRecord& record) { record_memory(record, memory); });
    throw;
  }
}

}  // namespace visor::sdk

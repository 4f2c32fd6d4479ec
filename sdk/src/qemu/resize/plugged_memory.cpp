// SPDX-License-Identifier: Apache-2.0
#include "plugged_memory.hpp"

#include "qemu/plan/plan.hpp"
#include "qemu/resize/last_word.hpp"
#include "qmp/follow.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/hotplug/plug.hpp"
#include "visor/sdk/qmp/commands.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace visor::sdk {
namespace {

constexpr std::string_view prefix = "visor-dimm";

std::optional<std::uint32_t> number_of(std::string_view id) {
  if (!id.starts_with(prefix)) return std::nullopt;
  std::uint32_t number = 0;
  const auto parsed = std::from_chars(id.data() + prefix.size(), id.data() + id.size(), number);
  return parsed.ec == std::errc{} && parsed.ptr == id.data() + id.size() ? std::optional{number} : std::nullopt;
}

constexpr std::chrono::milliseconds request_again{2000};

bool is_there(const PluggedMemory& memory, const MemoryModule& module) {
  return std::ranges::find(memory.modules, module.number, &MemoryModule::number) != memory.modules.end();
}

/// False when it is still there at the end of the wait.
bool await_gone(qmp::Client& client, const MemoryModule& module, const CallContext& waits, const CallContext& call) {
  const auto events = client.subscribe({"DEVICE_DELETED"}, 16);
  while (is_there(read_plugged_memory(client, call), module)) {
    if (waits.expired()) return false;
    try {
      (void)qmp::next_event(*events, waits, "the guest to let go of the memory");
    } catch (const Error& error) {
      if (error.code() != Errc::timeout) throw;
    }
  }
  return true;
}

std::uint64_t mib_of(std::optional<std::uint64_t> bytes) noexcept { return bytes.value_or(0) >> 20U; }

}  // namespace

std::string MemoryModule::id() const { return std::string{prefix} + std::to_string(number); }

std::string MemoryModule::memory() const { return id() + "-memory"; }

std::uint64_t PluggedMemory::added_mib() const noexcept {
  auto sum = virtio_mem ? virtio_mem->size_mib : 0;
  for (const auto& module : modules) sum += module.size_mib;
  return sum;
}

Value PluggedMemory::modules_value() const {
  auto list = Value::list();
  for (const auto& module : modules) {
    list.push_back(Value::map({{"id", module.id()}, {"memory", module.memory()}, {"size_mib", module.size_mib}}));
  }
  return list;
}

PluggedMemory read_plugged_memory(qmp::Client& client, const CallContext& call) {
  PluggedMemory out;
  for (const auto& device : qmp::query_memory_devices(client, call)) {
    if (device.slot) ++out.slots_taken;
    const auto id = device.id.value_or("");
    if (id == plan::detail::virtio_mem_device) {
      out.virtio_mem = {.requested_mib = mib_of(device.requested_bytes),
                        .size_mib = mib_of(device.size_bytes),
                        .block_mib = std::max<std::uint64_t>(1, mib_of(device.block_bytes))};
    } else if (const auto number = number_of(id)) {
      out.modules.push_back({.number = *number, .size_mib = mib_of(device.size_bytes)});
    }
  }
  std::ranges::sort(out.modules, {}, &MemoryModule::number);
  return out;
}

UnplugOutcome remove_module(qmp::Client& client, const MemoryModule& module, const CallContext& call) {
  const PcDimm device{.id = module.id(), .memdev = module.memory()};
  const auto waits = before_last_word(call);
  for (;;) {
    const auto report = hotplug::unplug(client, device, call.at_most(request_again));
    // pseries takes no second request while the first is under way.
    const bool under_way = report.reason.find("already in progress") != std::string::npos;
    if (under_way && await_gone(client, module, waits, call)) continue;  // which leaves its memory to be removed
    if (under_way) return UnplugOutcome::pending;
    if (report.outcome != UnplugOutcome::pending || waits.expired()) return report.outcome;
  }
}

void request_virtio_mem(qmp::Client& client, std::uint64_t mib, const CallContext& call) {
  qmp::qom_set(client, std::string{"/machine/peripheral/"} + plan::detail::virtio_mem_device, "requested-size",
               mib << 20U, call);
}

std::uint64_t await_virtio_mem(qmp::Client& client, std::uint64_t mib, const CallContext& call) {
  const auto events = client.subscribe({"MEMORY_DEVICE_SIZE_CHANGE"}, 16);
  const auto waits = before_last_word(call);
  for (;;) {
    const auto now = read_plugged_memory(client, call);
    const auto size = now.virtio_mem ? now.virtio_mem->size_mib : 0;
    if (size == mib || waits.expired()) return size;
    call.report("memory", size, mib);
    try {
      (void)qmp::next_event(*events, waits, "the guest to take the memory");
    } catch (const Error& error) {
      if (error.code() != Errc::timeout) throw;
    }
  }
}

}  // namespace visor::sdk

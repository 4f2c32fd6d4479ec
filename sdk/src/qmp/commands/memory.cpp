// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/commands/memory.hpp"

#include "qmp/answer.hpp"

#include <limits>

namespace visor::sdk::qmp {
namespace {

MemoryDevice device_of(const Answer& entry) {
  const auto data = entry.at("data");
  MemoryDevice device{.type = entry.text("type"), .id = data.find_text("id")};
  device.address = data.find_integer("addr");
  if (!device.address) device.address = data.find_integer("memaddr");  // virtio devices
  device.size_bytes = data.find_integer("size");
  device.slot = data.find_integer<std::int64_t>("slot");
  device.node = data.find_integer<std::int64_t>("node");
  device.memory_backend = data.find_text("memdev");
  device.hotplugged = data.find_boolean("hotplugged");
  device.hotpluggable = data.find_boolean("hotpluggable");
  device.requested_bytes = data.find_integer("requested-size");
  device.max_bytes = data.find_integer("max-size");
  device.block_bytes = data.find_integer("block-size");
  return device;
}

}  // namespace

std::vector<MemoryDevice> query_memory_devices(Client& client, const CallContext& call) {
  return ask(client, "query-memory-devices", {}, call, [](const Answer& answer) {
    std::vector<MemoryDevice> devices;
    answer.each([&](const Answer& entry) { devices.push_back(device_of(entry)); });
    return devices;
  });
}

MemorySize query_memory_size_summary(Client& client, const CallContext& call) {
  return ask(client, "query-memory-size-summary", {}, call, [](const Answer& answer) {
    return MemorySize{answer.integer("base-memory"), answer.find_integer("plugged-memory")};
  });
}

Outcome balloon(Client& client, std::uint64_t bytes, const CallContext& call) {
  if (bytes == 0 || bytes > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return QmpError{Errc::invalid_config, "A guest cannot be asked to keep " + std::to_string(bytes) +
                                              " bytes of memory: give at least 1 and at most 2^63-1"};
  }
  return client.call(Command{"balloon", Value::map({{"value", bytes}})}, call);
}

std::optional<std::uint64_t> query_balloon(Client& client, const CallContext& call) {
  const auto outcome = client.call(Command{"query-balloon"}, call);
  if (outcome.refused(ErrorClass::device_not_active)) return std::nullopt;
  return Answer{"query-balloon", outcome.value()}.integer("actual");
}

}  // namespace visor::sdk::qmp

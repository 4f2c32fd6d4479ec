// SPDX-License-Identifier: Apache-2.0
// What is asked of a machine that runs: memory that its guest lends or takes, counters, a dump. The guest that is
// pretended does at once what it is asked for while it runs.
#include "machine.hpp"
#include "refusal.hpp"

#include <unistd.h>

#include <string_view>

namespace visor::testing {
namespace {

constexpr std::uint64_t two_mib = 2U << 20U;
constexpr std::string_view dumped{
    "\x7f"
    "ELF of the fake"};

}  // namespace

const Machine::Commands& Machine::observations() {
  static const Commands all = {{"query-balloon", &Machine::query_balloon},
                               {"balloon", &Machine::balloon},
                               {"query-blockstats", &Machine::query_blockstats},
                               {"qom-get", &Machine::qom_get},
                               {"qom-set", &Machine::qom_set},
                               {"query-dump", &Machine::query_dump},
                               {"query-dump-guest-memory-capability", &Machine::query_dump_capability},
                               {"dump-guest-memory", &Machine::dump_guest_memory}};
  return all;
}

FakeDevice& Machine::balloon_device() {
  if (auto* const device = devices_.find_driver("virtio-balloon-")) return *device;
  throw Refusal{"DeviceNotActive", "No balloon device has been activated"};
}

Value Machine::query_balloon(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  const auto lent = balloon_device().amount;
  return Value::map({{"actual", line_.memory_bytes + devices_.plugged_memory() - lent}});
}

Value Machine::balloon(const Value& arguments) {
  Arguments given{arguments};
  const auto* const value = given.find("value");
  if (value == nullptr) refuse("Parameter 'value' is missing");
  const auto bytes = number_of(*value);
  given.refuse_rest();
  if (!bytes || *bytes == 0) refuse("Parameter 'target' expects a size");
  auto& device = balloon_device();
  const auto all = line_.memory_bytes + devices_.plugged_memory();
  device.amount = *bytes < all ? all - *bytes : 0;
  later("BALLOON_CHANGE", Value::map({{"actual", all - device.amount}}));
  return Value::map();
}

Value Machine::query_blockstats(const Value& arguments) {
  Arguments given{arguments};
  (void)given.boolean("query-nodes");
  given.refuse_rest();
  return devices_.list_block_stats();
}

Value Machine::qom_get(const Value& arguments) {
  Arguments given{arguments};
  const auto path = given.text("path");
  const auto property = given.text("property");
  given.refuse_rest();
  const auto* const device = devices_.find(path);
  if (device == nullptr) no_such_device(path);
  if (property == "guest-stats") {
    return Value::map({{"stats", Value::map({{"stat-free-memory", 4U << 20U}})}, {"last-update", 1}});
  }
  if (const auto* const value = device->properties.find(property)) return *value;
  refuse("Property '" + device->driver + "." + property + "' not found");
}

Value Machine::qom_set(const Value& arguments) {
  Arguments given{arguments};
  const auto path = given.text("path");
  const auto property = given.text("property");
  const auto* const value = given.find("value");
  given.refuse_rest();
  auto* const device = devices_.change(path);
  if (device == nullptr) no_such_device(path);
  if (value == nullptr) refuse("Parameter 'value' is missing");
  if (property == "requested-size") request_memory(*device, number_of(*value).value_or(1));
  device->properties.set(property, *value);
  return Value::map();
}

/// virtio-mem: the guest follows at once, unless it stands still.
void Machine::request_memory(FakeDevice& device, std::uint64_t bytes) {
  if (bytes % two_mib != 0) refuse("'requested-size' has to be multiples of 'block-size' (0x200000)");
  if (bytes > backends_.size_of_object(text_of(device.properties.at("memdev")))) {
    refuse("'requested-size' cannot exceed the memory backend size");
  }
  if (state_ != "running") return;
  device.amount = bytes;
  later("MEMORY_DEVICE_SIZE_CHANGE", Value::map({{"id", device.id}, {"size", bytes}, {"qom-path", device.path}}));
}

Value Machine::query_dump(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  return Value::map(
      {{"status", dumped_bytes_ == 0 ? "none" : "completed"}, {"completed", dumped_bytes_}, {"total", dumped_bytes_}});
}

Value Machine::query_dump_capability(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  return Value::map({{"formats", Value::list({"elf", "kdump-zlib"})}});
}

Value Machine::dump_guest_memory(const Value& arguments) {
  Arguments given{arguments};
  const auto protocol = given.text("protocol");
  for (const auto* const key : {"paging", "detach"}) (void)given.boolean(key);
  (void)given.find("format");
  given.refuse_rest();
  if (!protocol.starts_with("fd:")) refuse("The fake dumps to descriptors alone");
  const auto fd = backends_.take_fd(protocol.substr(3));
  if (::write(fd.get(), dumped.data(), dumped.size()) != static_cast<ssize_t>(dumped.size())) {
    refuse("dump: failed to write");
  }
  dumped_bytes_ = dumped.size();
  later("DUMP_COMPLETED", Value::map({{"result", query_dump({})}}));
  return Value::map();
}

}  // namespace visor::testing

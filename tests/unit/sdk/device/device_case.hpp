// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"
#include "visor/sdk/device/command_line.hpp"
#include "visor/sdk/device/describe.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

/// What the tests know of each device struct beside its table: for every field one value that QEMU takes, and what the
/// command line then has. Values that are wrong follow from the table.
namespace visor::sdk {

/// One field.
struct FieldCase {
  std::string_view field;
  Value good;
  std::string_view expect = {};                // "serial=abc", "-kernel /k"; empty: nothing is said by it alone
  std::vector<std::string_view> with = {};     // fields whose good values must be there as well
  std::vector<std::string_view> without = {};  // fields of the base that must not
  std::vector<Value> bad = {};                 // wrong by a rule that is not in the table
};

/// One struct, made and used without its type being known.
struct DeviceKit {
  const DeviceTable* table = nullptr;
  std::function<std::shared_ptr<void>(std::size_t variant)> make;
  void (*set_transport)(void* device, VirtioTransport transport) = nullptr;  // null: it has none to choose
  std::function<void(const void* device)> validate;
  std::function<std::string(const void* device)> render;  // arguments joined by blanks
};

struct DeviceCase {
  DeviceKit kit;
  std::vector<std::string_view> base;  // fields that are set at first, where the variant has them
  std::vector<FieldCase> fields;
};

/// `prepare` makes it one of that variant, and sets what is not in the table.
template <class Device>
DeviceKit kit_of(void (*prepare)(Device& device, std::size_t variant) = nullptr) {
  DeviceKit kit;
  kit.table = &Device::describe();
  kit.make = [prepare](std::size_t variant) -> std::shared_ptr<void> {
    auto device = std::make_shared<Device>();
    if (prepare != nullptr) prepare(*device, variant);
    return device;
  };
  if constexpr (requires(Device device) { device.transport; }) {
    kit.set_transport = [](void* device, VirtioTransport transport) {
      static_cast<Device*>(device)->transport = transport;
    };
  }
  if constexpr (requires(const Device& device) { device.validate(); }) {
    kit.validate = [](const void* device) { static_cast<const Device*>(device)->validate(); };
    kit.render = [](const void* device) {
      CommandLine line;
      static_cast<const Device*>(device)->render(line);
      std::string text;
      for (const auto& argument : line.argv("")) text += argument.empty() ? "" : ' ' + argument;
      return text;
    };
  }
  return kit;
}

/// For those whose variant is a member.
template <auto Member, class Device>
void choose(Device& device, std::size_t variant) {
  using Kind = std::remove_reference_t<decltype(device.*Member)>;
  device.*Member = static_cast<Kind>(variant);
}

/// The cases with those of a place.
std::vector<FieldCase> with_place(std::vector<FieldCase> cases);

std::vector<DeviceCase> machine_cases();
std::vector<DeviceCase> memory_cases();
std::vector<DeviceCase> storage_cases();
std::vector<DeviceCase> network_cases();
std::vector<DeviceCase> char_cases();
std::vector<DeviceCase> process_cases();
/// All of them.
const std::vector<DeviceCase>& device_cases();

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
// Each command that plugging and unplugging sends, and each way in which QEMU can fail at it: the error is bounded and
// says why, the state is right, and what was taken is free.
#include "fixture.hpp"
#include "visor/core/extension.hpp"
#include "visor/core/vm_record.hpp"
#include "visor/sdk/device/addresses.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <ostream>
#include <string_view>

namespace visor::sdk {
namespace {

constexpr const char* actions[] = {"error", "silence", "garbage", "close", "exit", "hang"};

/// What fails at its first time, and during what.
struct Step {
  const char* device;
  const char* command;
  bool removing = false;
  std::string_view passed_over = {};  // what is no error of the call
};

constexpr Step steps[] = {
    {"disk", "blockdev-add"},
    {"disk", "device_add"},
    {"disk", "query-pci", false,
     "error silence garbage close exit hang"},  // only where the guest finds it is not known then
    {"scsi", "device_add"},
    {"card", "netdev_add"},
    {"card", "device_add"},
    {"port", "chardev-add"},
    {"port", "device_add"},
    {"disk", "device_del", true, "error silence hang"},  // refused, pending
    {"disk", "blockdev-del", true, "silence hang"},      // pending
    {"card", "netdev_del", true, "silence hang"},
    {"port", "chardev-remove", true, "silence hang"},
};

void PrintTo(const Step& step, std::ostream* out) { *out << step.device << ": " << step.command; }

class HotplugFaults : public DriverTest, public ::testing::WithParamInterface<Step> {
 protected:
  [[nodiscard]] DeviceConfig device(const Step& step) const {
    const std::string what = step.device;
    if (what == "card") {
      NicConfig card;
      card.id = "dev";
      return card;
    }
    if (what == "port") {
      SerialPortConfig port;
      port.id = "dev";
      port.name = "dev";
      return port;
    }
    const auto path = run_dir().parent_path() / "dev.img";
    std::ofstream{path} << "a disk";
    DiskConfig disk;
    disk.id = "dev";
    disk.path = path.string();
    if (what == "scsi") disk.bus = DiskBus::scsi;
    return disk;
  }
  static bool has(const Vm& vm) {
    const auto config = vm.config();
    return std::ranges::any_of(config.devices, [](const auto& one) { return device_id(one) == "dev"; });
  }
  static Addresses addresses(const Vm& vm) { return Addresses::from_value(vm.record().blob.at("addresses")); }
  static std::size_t nodes(Vm& vm) {
    const auto monitor = vm.extension(QmpExtension::id);
    return dynamic_cast<QmpExtension&>(*monitor).execute("query-named-block-nodes", {}, limit).as_list().size();
  }
  /// The call that meets the fault; its error, if it has one.
  static std::optional<Error> meet(Vm& vm, const Step& step, const DeviceConfig& device) {
    try {
      if (step.removing) {
        (void)vm.hotplug_remove("dev", 500ms);
      } else {
        (void)vm.hotplug_add(device, 500ms);
      }
    } catch (const Error& error) {
      return error;
    }
    return std::nullopt;
  }
  void check(const Step& step, const std::string& action);
  void check_dead(Vm& vm, const std::string& action);
  static void check_retry(Vm& vm, const DeviceConfig& device, const Addresses& before);
};

/// A QEMU that has ended or hangs takes nothing more, and goes when it is told.
void HotplugFaults::check_dead(Vm& vm, const std::string& action) {
  if (action == "exit") {
    (void)vm.wait_exit(limit);
    EXPECT_EQ(to_string(error_of([&] { vm.hotplug_remove("dev", limit); }).code()), "invalid_state");
  } else {
    EXPECT_EQ(to_string(error_of([&] { vm.pause(50ms); }).code()), "timeout");
  }
}

void HotplugFaults::check_retry(Vm& vm, const DeviceConfig& device, const Addresses& before) {
  if (!has(vm)) (void)vm.hotplug_add(device, limit);
  EXPECT_TRUE(has(vm));
  if (addresses(vm).is_leaving("dev")) {  // it may be gone by now, and then nobody has it
    try {
      EXPECT_EQ(to_string(vm.hotplug_remove("dev", limit)), "gone");
    } catch (const Error& error) {
      EXPECT_EQ(to_string(error.code()), "not_found") << error.what();
    }
    (void)vm.hotplug_add(device, limit);
  }
  EXPECT_EQ(to_string(vm.hotplug_remove("dev", limit)), "gone");
  EXPECT_FALSE(has(vm));
  EXPECT_EQ(nodes(vm), 0U);
  // The controller of a SCSI disk and the bus of a port stay, on one root port.
  const bool brings_bus = !std::holds_alternative<NicConfig>(device) &&
                          before.free(AddressSpace::root_port) != addresses(vm).free(AddressSpace::root_port);
  EXPECT_EQ(addresses(vm).free(AddressSpace::root_port) + (brings_bus ? 1 : 0), before.free(AddressSpace::root_port));
  EXPECT_EQ(read_record(vm.record().run_dir).blob, vm.record().blob);
}

void HotplugFaults::check(const Step& step, const std::string& action) {
  SCOPED_TRACE(std::string{step.device} + ": " + step.command + "=" + action);
  set_words({"once." + std::string{step.command} + "=" + action});
  const auto vm = start();
  const auto device = this->device(step);
  const auto before = addresses(*vm);
  if (step.removing) (void)vm->hotplug_add(device, limit);
  const auto error = meet(*vm, step, device);
  const bool ends = action == "exit" || action == "hang";
  if (step.passed_over.find(action) != std::string_view::npos) {
    EXPECT_FALSE(error) << error->what();
  } else {
    EXPECT_TRUE(error) << "nothing was said";
  }
  const std::string said = error ? error->message() : "";
  const std::string code{error ? to_string(error->code()) : ""};
  EXPECT_TRUE(said.empty() || action != "error" || said.find("refuses") != std::string::npos) << said;
  EXPECT_TRUE(code.empty() || action != "exit" || code == "disconnected") << said;
  if (ends) {
    check_dead(*vm, action);
  } else {
    EXPECT_EQ(vm->status(limit).state, VmState::running);
    check_retry(*vm, device, before);
  }
  vm->stop({.force = true, .terminate_grace = 50ms}, limit);
}

TEST_P(HotplugFaults, EachEndsBoundedAndLeavesNothing) {
  const auto parts = [] {
    return ::testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count();
  };
  std::size_t passed = 0;
  for (const auto* action : actions) {
    const auto before = parts();
    try {
      check(GetParam(), action);
    } catch (const Error& error) {
      ADD_FAILURE() << action << ": " << error.what();
    }
    passed += parts() == before ? 1U : 0U;
    std::filesystem::remove_all(run_dir());
  }
  std::cout << "cells passed " << passed << " / " << std::size(actions) << '\n';
  EXPECT_EQ(passed, std::size(actions));
}

INSTANTIATE_TEST_SUITE_P(Steps, HotplugFaults, ::testing::ValuesIn(steps), [](const auto& step) {
  auto name = std::string{step.param.device} + '_' + step.param.command;
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace visor::sdk

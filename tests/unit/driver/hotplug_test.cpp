// SPDX-License-Identifier: Apache-2.0
// Devices that come and go, with a program in QEMU's place: what is recorded, what is free again, what is refused.
#include "fixture.hpp"
#include "visor/core/extension.hpp"
#include "visor/core/file.hpp"
#include "visor/core/vm_record.hpp"
#include "visor/sdk/device/addresses.hpp"

#include <algorithm>
#include <fstream>

namespace visor::sdk {
namespace {

class HotplugTest : public DriverTest {
 protected:
  [[nodiscard]] DiskConfig disk(const std::string& id, DiskBus bus = DiskBus::automatic) const {
    const auto path = run_dir().parent_path() / (id + ".img");
    std::ofstream{path} << "a disk";
    DiskConfig disk;
    disk.id = id;
    disk.path = path.string();
    disk.bus = bus;
    return disk;
  }
  static SerialPortConfig port(const std::string& id) {
    SerialPortConfig port;
    port.id = id;
    port.name = id;
    return port;
  }
  static Addresses addresses(const Vm& vm) { return Addresses::from_value(vm.record().blob.at("addresses")); }
  [[nodiscard]] VmRecord kept() const { return read_record(run_dir()); }
  static bool has(const VmConfig& config, std::string_view id) {
    return std::ranges::any_of(config.devices, [&](const auto& device) { return device_id(device) == id; });
  }
  static Value ask(Vm& vm, const char* command) {
    return dynamic_cast<QmpExtension&>(*vm.extension(QmpExtension::id)).execute(command, {}, limit);
  }
};

TEST_F(HotplugTest, TheRecordHasWhatIsThereAndNoMore) {
  const auto vm = start();
  const auto before = addresses(*vm);
  const auto result = vm->hotplug_add(disk("d0"), limit);
  EXPECT_EQ(result.address_kind, "pci");
  EXPECT_EQ(result.address, "0000:01:00.0");
  EXPECT_TRUE(has(kept().config, "d0"));
  EXPECT_EQ(kept().blob.at("places").at("d0").at("bus").as_string(), "visor-port0");
  EXPECT_EQ(kept().blob, vm->record().blob);
  EXPECT_EQ(to_string(vm->hotplug_remove("d0", limit)), "gone");
  EXPECT_FALSE(has(kept().config, "d0"));
  EXPECT_EQ(addresses(*vm), before);
  EXPECT_EQ(kept().blob.at("places"), Value::map());
  EXPECT_EQ(to_string(error_of([&] { vm->hotplug_remove("d0", limit); }).code()), "not_found");
  EXPECT_TRUE(ask(*vm, "query-named-block-nodes").as_list().empty());
  vm->stop({.force = true}, limit);
}

TEST_F(HotplugTest, AControllerAndABusComeAlongAndStay) {
  const auto vm = start();
  EXPECT_EQ(vm->hotplug_add(disk("d0", DiskBus::scsi), limit).address, "0:0:0:0");
  EXPECT_EQ(vm->hotplug_add(disk("d1", DiskBus::scsi), limit).address, "0:0:1:0");
  EXPECT_EQ(vm->hotplug_add(port("p0"), limit).address_kind, "port");
  const auto ports = addresses(*vm).free(AddressSpace::port);
  EXPECT_EQ(addresses(*vm).free(AddressSpace::root_port), 2U);
  for (const auto* id : {"d0", "d1", "p0"}) EXPECT_EQ(to_string(vm->hotplug_remove(id, limit)), "gone");
  EXPECT_EQ(addresses(*vm).free(AddressSpace::root_port), 2U);
  EXPECT_EQ(addresses(*vm).free(AddressSpace::port), ports + 1);
  EXPECT_EQ(vm->hotplug_add(disk("d2", DiskBus::scsi), limit).address, "0:0:0:0");
  vm->stop({.force = true}, limit);
}

/// The disk is refused when its controller is there already, and a guest that stands still does not let go of that.
TEST_F(HotplugTest, AControllerThatCannotBeTakenBackAtOnceGoesLater) {
  const auto vm = start({"once.blockdev-add=error"});
  const auto before = addresses(*vm);
  vm->pause(limit);
  const auto device = disk("d0", DiskBus::scsi);
  const auto error = error_of([&] { vm->hotplug_add(device, limit); });
  EXPECT_NE(error.message().find("this could not be undone: device_del visor-scsi"), std::string::npos) << error.what();
  EXPECT_TRUE(addresses(*vm).is_leaving("visor-scsi"));
  vm->resume(limit);
  EXPECT_EQ(vm->hotplug_add(disk("d1"), limit).address, "0000:01:00.0");
  EXPECT_EQ(to_string(vm->hotplug_remove("d1", limit)), "gone");
  EXPECT_EQ(addresses(*vm), before);
  EXPECT_EQ(vm->hotplug_add(device, limit).address, "0:0:0:0");
  vm->stop({.force = true}, limit);
}

TEST_F(HotplugTest, AnotherHandleGoesOnWhereTheFirstLeft) {
  auto vm = start();
  (void)vm->hotplug_add(disk("d0"), limit);
  vm->disconnect();
  const auto next = hypervisor().attach(kept(), limit);
  EXPECT_EQ(next->hotplug_add(disk("d1"), limit).address, "0000:02:00.0");
  EXPECT_EQ(to_string(error_of([&] { next->hotplug_add(disk("d0"), limit); }).code()), "already_exists");
  EXPECT_EQ(to_string(next->hotplug_remove("d0", limit)), "gone");
  EXPECT_EQ(next->hotplug_add(disk("d2"), limit).address, "0000:01:00.0");
  next->stop({.force = true}, limit);
}

/// The guest stands still and lets go when it runs: after the call, and with nobody asking.
TEST_F(HotplugTest, OneThatGoesLateIsFreedWithWhatStoodBehindIt) {
  const auto vm = start();
  const auto before = addresses(*vm);
  (void)vm->hotplug_add(disk("d0"), limit);
  vm->pause(limit);
  EXPECT_EQ(to_string(vm->hotplug_remove("d0", 200ms)), "pending");
  EXPECT_TRUE(kept().blob.at("addresses").at("leaving") == Value(Value::List{"d0"}));
  EXPECT_EQ(to_string(error_of([&] { vm->hotplug_add(disk("d0"), limit); }).code()), "already_exists");
  const auto events = vm->events();
  vm->resume(limit);
  while (const auto event = events->next(limit)) {
    if (event->kind == EventKind::device_removed) break;
  }
  const CallContext call{limit};  // it is freed on another thread than the one that tells
  const auto is_free = [&] {
    return !has(vm->config(), "d0") && !has(kept().config, "d0") && addresses(*vm) == before;
  };
  while (!is_free()) call.check("the record");
  EXPECT_TRUE(ask(*vm, "query-named-block-nodes").as_list().empty());
  vm->stop({.force = true}, limit);
}

TEST_F(HotplugTest, TheNextOwnerFreesWhatWentWhileNobodyOwnedTheVm) {
  auto vm = start();
  const auto before = addresses(*vm);
  (void)vm->hotplug_add(disk("d0"), limit);
  vm->pause(limit);
  EXPECT_EQ(to_string(vm->hotplug_remove("d0", 200ms)), "pending");
  vm->disconnect();
  vm.reset();
  const auto next = hypervisor().attach(kept(), limit);
  EXPECT_TRUE(has(next->config(), "d0"));
  next->resume(limit);
  (void)next->hotplug_add(disk("d1"), limit);
  EXPECT_EQ(to_string(next->hotplug_remove("d1", limit)), "gone");
  EXPECT_FALSE(has(kept().config, "d0"));
  EXPECT_EQ(addresses(*next), before);
  next->stop({.force = true}, limit);
}

TEST_F(HotplugTest, ARefusalIsToldAndTheDeviceStays) {
  const auto vm = start({"device_del=refuse"});
  (void)vm->hotplug_add(disk("d0"), limit);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(to_string(vm->hotplug_remove("d0", limit)), "refused");
    EXPECT_TRUE(has(kept().config, "d0"));
    EXPECT_FALSE(addresses(*vm).is_leaving("d0"));
  }
  vm->stop({.force = true}, limit);
}

TEST_F(HotplugTest, WhatCannotBeRecordedIsUnpluggedAgain) {
  const auto vm = start();
  const auto before = addresses(*vm);
  const auto device = disk("d0");
  const auto aside = run_dir().string() + ".aside";
  std::filesystem::rename(run_dir(), aside);
  EXPECT_EQ(to_string(error_of([&] { vm->hotplug_add(device, limit); }).code()), "not_found");
  std::filesystem::rename(aside, run_dir());
  EXPECT_FALSE(has(vm->config(), "d0"));
  EXPECT_EQ(addresses(*vm), before);
  EXPECT_TRUE(ask(*vm, "query-named-block-nodes").as_list().empty());
  EXPECT_EQ(vm->hotplug_add(device, limit).address, "0000:01:00.0");
  vm->stop({.force = true}, limit);
}

TEST_F(HotplugTest, WhatCannotBePluggedIsRefusedBeforeQemuIsAsked) {
  const auto vm = start({"device_add=exit", "blockdev-add=exit", "chardev-add=exit", "netdev_add=exit"});
  const auto before = vm->record();
  const auto code = [&](const DeviceConfig& device) {
    return std::string{to_string(error_of([&] { vm->hotplug_add(device, limit); }).code())};
  };
  EXPECT_EQ(code(ShareConfig{.id = "s", .path = "/tmp"}), "unsupported");
  EXPECT_EQ(code(DiskConfig{}), "invalid_config");
  EXPECT_EQ(code(disk("visor-d")), "invalid_config");
  auto lost = disk("d0");
  lost.path = "/no/such/file";
  EXPECT_EQ(code(lost), "not_found");
  auto long_port = port("p");
  long_port.socket = "/tmp/" + std::string(110, 'x');
  EXPECT_EQ(code(long_port), "invalid_config");
  EXPECT_EQ(code(VhostUserConfig{.id = "v", .socket = "/no/such/socket"}), "unsupported");  // its memory is its own
  EXPECT_EQ(vm->record().config, before.config);
  EXPECT_EQ(vm->record().blob, before.blob);
  EXPECT_EQ(vm->status(limit).state, VmState::running);
  vm->stop({.force = true}, limit);
}

TEST_F(HotplugTest, FullRootPortsNameTheirLimitAndWhatRaisesIt) {
  const auto vm = start();
  for (const auto* id : {"d0", "d1", "d2", "d3"}) (void)vm->hotplug_add(disk(id), limit);
  const auto before = vm->record();
  const auto error = error_of([&] { vm->hotplug_add(disk("d4"), limit); });
  EXPECT_EQ(to_string(error.code()), "exhausted");
  EXPECT_NE(error.message().find("4 root ports"), std::string::npos) << error.what();
  EXPECT_NE(error.message().find("raise machine.root_ports"), std::string::npos) << error.what();
  EXPECT_EQ(vm->record().config, before.config);
  EXPECT_EQ(vm->record().blob, before.blob);
  vm->stop({.force = true}, limit);
}

}  // namespace
}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
// One device for a running VM: made as on a command line, with a place of its own, or refused with what to do.
#include "plan_support.hpp"
#include "qemu/guest_address.hpp"
#include "qemu/live_devices.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"
#include "visor/sdk/hotplug/plugging.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include <utility>

namespace visor::sdk::plan {
namespace {

const HostFacts host{.arch = "amd64", .memory_mib = 8192, .cpus = 4, .kvm = true, .vhost_net = true};

/// A running VM of a configuration, and what is plugged into it.
class Running {
 public:
  explicit Running(std::string arch, VmConfig config) : arch_{test::arch_of(arch)}, config_{std::move(config)} {
    const auto cold = make_plan(input());
    plan_.addresses = cold.addresses;
  }

  /// The words of the device, "" when it is refused; then refused() has the reason.
  std::string plug(DeviceConfig device) {
    Plan next;
    next.addresses = plan_.addresses;
    next.places = plan_.places;
    device = as_plugged(input(), plan_.addresses, std::move(device));
    config_.devices.push_back(device);
    hotplug::Plugging parts{{7, 2, 0}};
    try {
      plan_plug(input(), config_.devices.size() - 1, next, parts, 0);
    } catch (const Error& error) {
      config_.devices.pop_back();
      refused_ = std::string{to_string(error.code())} + ": " + error.message();
      return {};
    }
    plan_ = std::move(next);
    return values(plan_, "-device").back();
  }
  [[nodiscard]] const std::string& refused() const { return refused_; }
  [[nodiscard]] const Plan& plan() const { return plan_; }
  /// The VM made again from what the record has of it.
  [[nodiscard]] Plan again() const {
    auto copy = input();
    copy.places = plan_.places;
    return make_plan(copy);
  }

 private:
  [[nodiscard]] Input input() const {
    return {.config = config_,
            .arch = arch_,
            .host = host,
            .caps = caps_,
            .accelerator = Accelerator::tcg,
            .id = "vm0",
            .run_dir = "/run/vm0",
            .uuid = "11111111-2222-4333-8444-555555555555",
            .files = {}};
  }

  const QemuArch& arch_;
  QemuCaps caps_ = default_qemu_caps();
  VmConfig config_;
  Plan plan_;
  std::string refused_;
};

DiskConfig disk(const std::string& id, DiskBus bus = DiskBus::automatic) {
  DiskConfig disk;
  disk.id = id;
  disk.path = "/d/" + id;
  disk.bus = bus;
  return disk;
}

VmConfig with_scsi(const std::string& machine) {
  auto config = base(machine);
  config.devices = {disk("cold", DiskBus::scsi)};
  return config;
}

TEST(PlugPlan, GivesEachDeviceAPlaceOfItsMachine) {
  Running q35{"amd64", base("q35")};
  EXPECT_EQ(q35.plug(disk("d0")), "virtio-blk-pci,id=d0,drive=node-d0,bus=visor-port0,addr=0");
  EXPECT_EQ(q35.plug(VfioConfig{.id = "v0", .host = "0000:03:00.0"}),
            "vfio-pci,id=v0,host=0000:03:00.0,bus=visor-port1,addr=0");
  Running ccw{"s390x", base("s390-ccw-virtio")};
  EXPECT_NE(ccw.plug(NicConfig{.id = "n0"}).find(",devno=fe.0.ffff"), std::string::npos);
  EXPECT_EQ(ccw.plug(VfioConfig{.id = "v0", .sysfs_path = "/sys/x"}), "vfio-ccw,id=v0,sysfsdev=/sys/x,devno=fe.0.fffe");
  EXPECT_EQ(ccw.plug(VfioConfig{.id = "ap", .sysfs_path = "/sys/devices/vfio_ap/matrix/x"}),
            "vfio-ap,id=ap,sysfsdev=/sys/devices/vfio_ap/matrix/x");
  EXPECT_EQ(ccw.plan().places.count("ap"), 0U);
}

TEST(PlugPlan, AControllerAndABusAreThereOnce) {
  Running vm{"amd64", base("q35")};
  EXPECT_EQ(vm.plug(disk("a", DiskBus::scsi)), "scsi-hd,id=a,bus=visor-scsi.0,drive=node-a,scsi-id=0,lun=0");
  EXPECT_EQ(vm.plan().places.at("visor-scsi").bus, "visor-port0");
  EXPECT_EQ(vm.plug(disk("b", DiskBus::scsi)), "scsi-hd,id=b,bus=visor-scsi.0,drive=node-b,scsi-id=1,lun=0");
  EXPECT_EQ(values(vm.plan(), "-device").size(), 1U);
  EXPECT_NE(vm.plug(SerialPortConfig{.id = "p", .name = "p"}).find(",nr=30"), std::string::npos);
  EXPECT_EQ(vm.plan().addresses.free(AddressSpace::port), 29U);
}

TEST(PlugPlan, WhereAGuestWouldNotSeeAVirtioDiskTheControllerThatIsThereIsTaken) {
  Running with{"ppc64le", with_scsi("pseries")};
  EXPECT_TRUE(with.plug(disk("d0")).starts_with("scsi-hd,id=d0"));
  EXPECT_TRUE(with.plug(disk("d1", DiskBus::virtio_blk)).starts_with("virtio-blk-pci,id=d1"));
  Running without{"ppc64le", base("pseries")};
  EXPECT_TRUE(without.plug(disk("d0")).starts_with("virtio-blk-pci,id=d0"));
  Running microvm{"amd64", with_scsi("microvm")};
  EXPECT_TRUE(microvm.plug(disk("d0")).starts_with("scsi-hd,id=d0"));
  Running q35{"amd64", with_scsi("q35")};
  EXPECT_TRUE(q35.plug(disk("d0")).starts_with("virtio-blk-pci,id=d0"));
}

TEST(PlugPlan, WhatHasNoPlaceIsRefusedWithWhatHelps) {
  Running microvm{"amd64", base("microvm")};
  EXPECT_EQ(microvm.plug(disk("d0", DiskBus::virtio_blk)), "");
  EXPECT_NE(microvm.refused().find("unsupported: "), std::string::npos) << microvm.refused();
  EXPECT_EQ(microvm.plug(disk("d0", DiskBus::scsi)), "");
  EXPECT_NE(microvm.refused().find("with a SCSI disk in the configuration"), std::string::npos) << microvm.refused();
  EXPECT_EQ(microvm.plug(SerialPortConfig{.id = "p", .name = "p"}), "");
  EXPECT_NE(microvm.refused().find("with a port in the configuration"), std::string::npos) << microvm.refused();
  auto config = base("q35");
  config.machine.root_ports = 1;
  Running q35{"amd64", config};
  EXPECT_NE(q35.plug(disk("d0")), "");
  EXPECT_EQ(q35.plug(disk("d1")), "");
  EXPECT_EQ(q35.refused(),
            "exhausted: Device 'd1': the 1 root ports are all taken; unplug a device, or for the next start raise "
            "machine.root_ports, at most 16");
}

TEST(PlugPlan, AVmThatIsMadeAgainHasItsDevicesInTheirPlaces) {
  struct Case {
    const char* arch;
    const char* machine;
  };
  for (const auto& each : {Case{"amd64", "q35"}, Case{"amd64", "pc"}, Case{"arm64", "virt"}, Case{"ppc64le", "pseries"},
                           Case{"s390x", "s390-ccw-virtio"}}) {
    SCOPED_TRACE(each.machine);
    Running vm{each.arch, base(each.machine)};
    const auto blk = vm.plug(disk("blk", DiskBus::virtio_blk));
    const auto unit = vm.plug(disk("unit", DiskBus::scsi));
    const auto port = vm.plug(SerialPortConfig{.id = "port", .name = "port"});
    const auto again = vm.again();
    const auto lines = values(again, "-device");
    for (const auto& line : {blk, unit, port}) EXPECT_NE(std::ranges::find(lines, line), lines.end()) << line;
    EXPECT_EQ(again.places.size(), vm.plan().places.size());
    for (const auto* id : {"blk", "unit", "port", "visor-scsi", "visor-serial"}) EXPECT_TRUE(again.addresses.has(id));
    EXPECT_EQ(again.addresses.free(AddressSpace::root_port), vm.plan().addresses.free(AddressSpace::root_port));
    EXPECT_EQ(again.addresses.free(AddressSpace::port), vm.plan().addresses.free(AddressSpace::port));
  }
}

TEST(PlugPlan, PlacesAreReadAsTheyWereWritten) {
  std::map<std::string, Place> places;
  places["a"] = {.bus = "visor-port1", .addr = "0"};
  places["b"].devno = "fe.0.ffff";
  const auto value = places_to_value(places);
  EXPECT_EQ(to_json(value), R"({"a":{"bus":"visor-port1","addr":"0"},"b":{"devno":"fe.0.ffff"}})");
  EXPECT_EQ(places_to_value(places_from_value(&value)), value);
  EXPECT_TRUE(places_from_value(nullptr).empty());
  const auto wrong = parse_json(R"({"a": 3})");
  EXPECT_THROW((void)places_from_value(&wrong), Error);
}

TEST(PciAddress, IsFoundBehindPortsAndBridges) {
  const auto buses = parse_json(R"([{"bus": 0, "devices": [
      {"bus": 0, "slot": 1, "function": 0, "qdev_id": "root"},
      {"bus": 0, "slot": 30, "function": 3, "qdev_id": "port", "pci_bridge": {"bus": {}, "devices": [
        {"bus": 18, "slot": 31, "function": 7, "qdev_id": "deep"}]}},
      {"bus": 0, "slot": 2, "function": 0, "qdev_id": "empty", "pci_bridge": {"bus": {}}}]}])");
  EXPECT_EQ(pci_address(buses, "root"), "0000:00:01.0");
  EXPECT_EQ(pci_address(buses, "deep"), "0000:12:1f.7");
  EXPECT_EQ(pci_address(buses, "none"), "");
  for (const auto* text : {"[]", "{}", "[3]", R"([{"devices": [{"qdev_id": 3}]}])"}) {
    EXPECT_EQ(pci_address(parse_json(text), "none"), "") << text;
  }
}

TEST(PlugClaims, AreWhatTheMachineAndTheConfigurationCan) {
  using enum Feature;
  const auto can = [](const char* arch, VmConfig config, Feature feature) {
    return offered(test::arch_of(arch), {config, Accelerator::tcg, host, default_qemu_caps()}).has(feature);
  };
  for (const auto feature :
       {hotplug_disk, hotplug_nic, hotplug_serial_port, hotplug_vsock, hotplug_vfio, hotplug_vhost_user}) {
    EXPECT_TRUE(can("amd64", base("q35"), feature));
    EXPECT_EQ(can("s390x", base("s390-ccw-virtio"), feature), feature != hotplug_vhost_user);
    EXPECT_FALSE(can("amd64", base("microvm"), feature));
  }
  EXPECT_TRUE(can("amd64", with_scsi("microvm"), hotplug_disk));
  EXPECT_FALSE(can("amd64", with_scsi("microvm"), hotplug_nic));
  auto port = base("microvm");
  port.devices = {SerialPortConfig{.id = "p", .name = "p"}};
  EXPECT_TRUE(can("amd64", port, hotplug_serial_port));
  auto none = base("q35");
  none.storage.disable_block = true;
  EXPECT_FALSE(can("amd64", none, hotplug_disk));
}

}  // namespace
}  // namespace visor::sdk::plan

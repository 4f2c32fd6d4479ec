// SPDX-License-Identifier: Apache-2.0
// What devices are plugged into while the guest runs: ports and bridges on each machine, what is left free for later,
// and the fields that choose it. Real guests: tests/e2e/qemu/place_test.cpp.
#include "plan_support.hpp"
#include "visor/core/json.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>
#include <vector>

namespace visor::sdk::plan {
namespace {

using enum AddressSpace;
using Change = std::function<void(VmConfig&)>;

const Change nothing = [](VmConfig&) {};

struct BusCase {
  std::string name;
  std::string arch;
  std::string machine;
  Change change = nothing;
  Lines buses = {};      // ports and bridges on the command line
  std::string first;     // where the first device goes that is plugged later
  std::size_t free = 0;  // places for such devices
};
void PrintTo(const BusCase& each, std::ostream* out) { *out << each.name; }

std::string text(const Place& place) { return place.devno.empty() ? place.bus + '@' + place.addr : place.devno; }

std::size_t places(const Addresses& addresses) {
  return addresses.free(root_port) + addresses.free(bridge) + addresses.free(root_bus) + addresses.free(channel);
}

Lines bus_lines(const Plan& plan) {
  auto lines = values(plan, "-device", "pcie-root-port");
  for (auto& line : values(plan, "-device", "pci-bridge")) lines.push_back(std::move(line));
  return lines;
}

const Lines four_ports = {
    "pcie-root-port,id=visor-port0,chassis=255,slot=255,multifunction=on,bus=pcie.0,addr=1e.0",
    "pcie-root-port,id=visor-port1,chassis=254,slot=254,bus=pcie.0,addr=1e.1",
    "pcie-root-port,id=visor-port2,chassis=253,slot=253,bus=pcie.0,addr=1e.2",
    "pcie-root-port,id=visor-port3,chassis=252,slot=252,bus=pcie.0,addr=1e.3",
};
const Change no_ports_one_bridge = [](auto& c) {
  c.machine.root_ports = 0;
  c.machine.bridges = 1;
};
const std::string windows = "io-reserve=4096,mem-reserve=1048576,pref64-reserve=1048576";

class PlanBuses : public ::testing::TestWithParam<BusCase> {};

TEST_P(PlanBuses, HaveRoomForWhatComesLater) {
  auto config = base(GetParam().machine);
  GetParam().change(config);
  auto plan = plan_of(GetParam().arch, config);
  EXPECT_EQ(bus_lines(plan), GetParam().buses);
  EXPECT_EQ(places(plan.addresses), GetParam().free);
  EXPECT_EQ(plan.addresses, plan_of(GetParam().arch, config).addresses) << "the same plan, the same addresses";
  EXPECT_EQ(GetParam().free == 0 ? "" : text(plan.addresses.take_place("late")), GetParam().first);
}

INSTANTIATE_TEST_SUITE_P(
    Machines, PlanBuses,
    ::testing::Values(BusCase{"q35", "amd64", "q35", nothing, four_ports, "visor-port0@0", 4},
                      BusCase{"q35_one_port",
                              "amd64",
                              "q35",
                              [](auto& c) { c.machine.root_ports = 1; },
                              {"pcie-root-port,id=visor-port0,chassis=255,slot=255,bus=pcie.0,addr=1e.0"},
                              "visor-port0@0",
                              1},
                      BusCase{"q35_nothing", "amd64", "q35", [](auto& c) { c.machine.root_ports = 0; }, {}, "", 0},
                      BusCase{"q35_bridge",
                              "amd64",
                              "q35",
                              no_ports_one_bridge,
                              {"pci-bridge,id=visor-bridge0,chassis_nr=255,shpc=off," + windows + ",bus=pcie.0,addr=2"},
                              "visor-bridge0@1",
                              31},
                      BusCase{"pc", "amd64", "pc", nothing, {}, "pci.0@1f", 29},
                      BusCase{"pc_bridge",
                              "amd64",
                              "pc",
                              [](auto& c) { c.machine.bridges = 1; },
                              {"pci-bridge,id=visor-bridge0,chassis_nr=255,shpc=off," + windows + ",bus=pci.0,addr=2"},
                              "visor-bridge0@1",
                              31 + 28},
                      BusCase{"microvm", "amd64", "microvm", nothing, {}, "", 0},
                      BusCase{"virt", "arm64", "virt", nothing, four_ports, "visor-port0@0", 4},
                      BusCase{"virt_bridge",
                              "arm64",
                              "virt",
                              no_ports_one_bridge,
                              {"pci-bridge,id=visor-bridge0,chassis_nr=255,shpc=on,bus=pcie.0,addr=2"},
                              "visor-bridge0@1",
                              31},
                      BusCase{"pseries", "ppc64le", "pseries", nothing, {}, "pci.0@1f", 29},
                      BusCase{"pseries_bridges",
                              "ppc64le",
                              "pseries",
                              [](auto& c) { c.machine.bridges = 2; },
                              {"pci-bridge,id=visor-bridge0,chassis_nr=255,shpc=on,bus=pci.0,addr=2",
                               "pci-bridge,id=visor-bridge1,chassis_nr=254,shpc=on,bus=pci.0,addr=3"},
                              "visor-bridge0@1",
                              62 + 27},
                      BusCase{"s390x", "s390x", "s390-ccw-virtio", nothing, {}, "fe.0.ffff", 65535}),
    [](const auto& each) { return each.param.name; });

TEST(PlanPorts, SixteenAreTwoSlotsAndTheNextDeviceStaysWhereItWas) {
  auto config = base("q35");
  config.machine.root_ports = 16;
  config.machine.bridges = 5;
  const auto lines = bus_lines(plan_of("amd64", config));
  ASSERT_EQ(lines.size(), 21U);
  EXPECT_EQ(lines[8], "pcie-root-port,id=visor-port8,chassis=247,slot=247,multifunction=on,bus=pcie.0,addr=1d.0");
  EXPECT_EQ(lines[15], "pcie-root-port,id=visor-port15,chassis=240,slot=240,bus=pcie.0,addr=1d.7");
  EXPECT_EQ(lines[20], "pci-bridge,id=visor-bridge4,chassis_nr=235,shpc=off," + windows + ",bus=pcie.0,addr=6");
}

TEST(PlanPorts, AreRefusedByNameWhereThereAreNone) {
  struct Row {
    std::string arch;
    std::string machine;
    Change change;
    std::string answer;
  };
  const Change ports = [](auto& c) { c.machine.root_ports = 1; };
  const Change no_ports = [](auto& c) { c.machine.root_ports = 0; };
  const Change bridges = [](auto& c) { c.machine.bridges = 1; };
  const Change on_root = [](auto& c) { c.machine.hotplug_vfio_on_root_bus = true; };
  const std::string has_no_ports = "has no PCI Express ports; leave it out";
  const std::string has_no_root = "has no root bus that takes devices while the guest runs; leave it out";
  for (const auto& [arch, machine, change, answer] : std::vector<Row>{
           {"amd64", "pc", ports, "unsupported: machine.root_ports: machine pc " + has_no_ports},
           {"amd64", "microvm", ports, "unsupported: machine.root_ports: machine microvm " + has_no_ports},
           {"ppc64le", "pseries", ports, "unsupported: machine.root_ports: machine pseries " + has_no_ports},
           {"s390x", "s390-ccw-virtio", ports,
            "unsupported: machine.root_ports: machine s390-ccw-virtio " + has_no_ports},
           {"amd64", "q35", [](auto& c) { c.machine.root_ports = 17; },
            "unsupported: machine.root_ports: machine q35 has at most 16 root ports"},
           {"amd64", "pc", no_ports, "accepted"},
           {"amd64", "microvm", bridges,
            "unsupported: machine.bridges: machine microvm has no PCI bridges; leave it out"},
           {"s390x", "s390-ccw-virtio", bridges,
            "unsupported: machine.bridges: machine s390-ccw-virtio has no PCI bridges; leave it out"},
           {"amd64", "q35", on_root, "accepted"},
           {"amd64", "pc", on_root, "accepted"},
           {"arm64", "virt", on_root, "accepted"},
           {"ppc64le", "pseries", on_root, "accepted"},
           {"amd64", "q35",
            [&](auto& c) {
              no_ports(c);
              on_root(c);
            },
            "unsupported: machine.hotplug_vfio_on_root_bus: it needs a root port, and machine.root_ports is 0; raise "
            "that, or leave this out"},
           {"amd64", "microvm", on_root,
            "unsupported: machine.hotplug_vfio_on_root_bus: machine microvm " + has_no_root},
           {"s390x", "s390-ccw-virtio", on_root,
            "unsupported: machine.hotplug_vfio_on_root_bus: machine s390-ccw-virtio " + has_no_root}}) {
    EXPECT_EQ(refusal_of(arch, machine, change), answer);
  }
}

TEST(PlanPorts, ADeviceOfTheHostAvoidsBridgesWhereThatIsAskedFor) {
  auto config = base("pc");
  config.machine.bridges = 1;
  auto plan = plan_of("amd64", config);
  const VfioConfig vfio;
  EXPECT_EQ(text(plan.addresses.take_place("a", place_wish(config, vfio))), "visor-bridge0@1");
  config.machine.hotplug_vfio_on_root_bus = true;
  EXPECT_EQ(text(plan.addresses.take_place("b", place_wish(config, vfio))), "pci.0@1f");
  EXPECT_EQ(text(plan.addresses.take_place("c", place_wish(config, DiskConfig{}))), "visor-bridge0@2");
}

TEST(PlanAddresses, KnowTheDevicesOfTheConfiguration) {
  DiskConfig first;
  first.path = "/d";
  first.bus = DiskBus::scsi;
  DiskConfig second = first;
  second.id = "mine";
  auto plan = plan_of("amd64", with({first, second, RngConfig{}}));
  auto& addresses = plan.addresses;
  EXPECT_TRUE(addresses.has("disk0") && addresses.has("mine") && addresses.has("rng0"));
  EXPECT_EQ(addresses.find(scsi, "visor-scsi.0", "disk0"), 0U);
  EXPECT_EQ(addresses.find(scsi, "visor-scsi.0", "mine"), 1U);
  EXPECT_EQ(addresses.take_target("visor-scsi.0", "late").target, 2U);
  EXPECT_EQ(addresses.claim_new("disk"), "disk1");
  EXPECT_EQ(Addresses::from_value(parse_json(to_json(addresses.to_value()))), addresses);
}

TEST(PlanAddresses, TheScsiControllerHasAnEnd) {
  std::vector<DeviceConfig> disks;
  for (int i = 0; i < 257; ++i) {
    DiskConfig disk;
    disk.path = "/d";
    disk.bus = DiskBus::scsi;
    disks.emplace_back(disk);
  }
  EXPECT_EQ(refusal(disks),
            "exhausted: Device 'disk256': the 256 targets of visor-scsi.0 are all taken; unplug a device, or for the "
            "next start give disks an iothread of their own, which has a controller of its own");
  disks.pop_back();
  EXPECT_EQ(refusal(disks), "accepted");
}

RawDeviceConfig raw(const std::string& id, const char* properties) {
  RawDeviceConfig device;
  device.id = id;
  device.driver = "virtio-rng-pci";
  device.properties = parse_json(properties);
  return device;
}

/// Where the next device goes on a q35 with one bridge, after these.
std::string next_on_bridge(const std::vector<DeviceConfig>& devices) {
  auto config = with(devices);
  config.machine.bridges = 1;
  config.machine.root_ports = 0;
  return text(plan_of("amd64", config).addresses.take_place("late"));
}

/// What is wrong with these on a q35 with four root ports and two bridges.
std::string refused(const std::vector<DeviceConfig>& devices) {
  return refusal_of("amd64", "q35", [&](VmConfig& config) {
    config.machine.bridges = 2;
    config.devices = devices;
  });
}

TEST(PlanAddresses, LeaveWhatARawDeviceNames) {
  const auto config = with({raw("r", R"({"bus": "visor-port0"})")});
  EXPECT_EQ(text(plan_of("amd64", config).addresses.take_place("late")), "visor-port1@0");
  EXPECT_EQ(next_on_bridge({raw("r", R"({"bus": "visor-bridge0", "addr": "1.0"})")}), "visor-bridge0@2");
  EXPECT_EQ(next_on_bridge({raw("r", R"({"bus": "visor-bridge0", "addr": 1})")}), "visor-bridge0@2");
  EXPECT_EQ(next_on_bridge({raw("r", R"({"bus": "visor-bridge0", "addr": "0X1"})")}), "visor-bridge0@2");
  EXPECT_EQ(refused({raw("r", R"({"bus": "visor-portly"})")}), "accepted") << "whatever it is, it is no port";
}

TEST(PlanAddresses, LeaveWhatQemuGivesARawDeviceBehindABridge) {
  const auto r = raw("r", R"({"bus": "visor-bridge0"})");
  const auto s = raw("s", R"({"bus": "visor-bridge0"})");
  EXPECT_EQ(next_on_bridge({r}), "visor-bridge0@1") << "it is in slot 0, which is not handed out";
  EXPECT_EQ(next_on_bridge({r, s}), "visor-bridge0@2");
  EXPECT_EQ(next_on_bridge({raw("one", R"({"bus": "visor-bridge0", "addr": "1"})"), r, s}), "visor-bridge0@3");
}

TEST(PlanAddresses, LetRawDevicesBeFunctionsOfOneSlot) {
  EXPECT_EQ(next_on_bridge({raw("r", R"({"bus": "visor-bridge0", "addr": "1.0", "multifunction": true})"),
                            raw("s", R"({"bus": "visor-bridge0", "addr": "1.1"})")}),
            "visor-bridge0@2");
  EXPECT_EQ(refused({raw("r", R"({"bus": "visor-port0", "addr": "0.0", "multifunction": true})"),
                     raw("s", R"({"bus": "visor-port0", "addr": "0.1"})")}),
            "accepted");
}

TEST(PlanAddresses, RefuseWhatARawDeviceCannotHaveByTheNameOfItsProperty) {
  EXPECT_EQ(refused({raw("r", R"({"bus": "visor-port9"})"), raw("s", R"({"bus": "visor-bridge2", "addr": 1})")}),
            "invalid_config: devices[0].properties.bus: there is no root port 'visor-port9'; machine.root_ports is 4, "
            "and they are counted from 0\n"
            "devices[1].properties.bus: there is no bridge 'visor-bridge2'; machine.bridges is 2, and they are "
            "counted from 0");
  EXPECT_EQ(refused({raw("r", R"({"bus": "visor-port0", "addr": "1"})")}),
            "invalid_config: devices[0].properties.addr: visor-port0 leads to slot 0 alone, and a guest finds nothing "
            "in another; leave addr out");
  EXPECT_EQ(refused({raw("r", R"({"bus": "visor-port1"})"), raw("s", R"({"bus": "visor-port1"})")}),
            "invalid_config: devices[1].properties.bus: 0.0 of visor-port1 is taken by 'r'; take another");
  EXPECT_EQ(refused({raw("r", R"({"bus": "visor-bridge1", "addr": "1f"})"),
                     raw("s", R"({"bus": "visor-bridge1", "addr": "0x1f.0"})")}),
            "invalid_config: devices[1].properties.addr: 1f.0 of visor-bridge1 is taken by 'r'; take another");
}

TEST(PlanAddresses, KeepRawDevicesOutOfTheSlotsOfPortsAndBridges) {
  const std::string ports =
      "devices[0].properties.addr: slot 1e of pcie.0 has root ports; take another slot, or set "
      "machine.root_ports: 0";
  EXPECT_EQ(refused({raw("r", R"({"addr": "1e"})")}), "invalid_config: " + ports);
  EXPECT_EQ(refused({raw("r", R"({"bus": "pcie.0", "addr": "0x1e.5"})")}), "invalid_config: " + ports);
  EXPECT_EQ(refused({raw("r", R"({"addr": 3})")}),
            "invalid_config: devices[0].properties.addr: slot 3 of pcie.0 has a bridge; take another slot, or set "
            "machine.bridges: 0");
  for (const auto* free : {R"({"addr": "1d"})", R"({"addr": "4"})", R"({"bus": "mine", "addr": "1e"})"}) {
    EXPECT_EQ(refused({raw("r", free)}), "accepted") << free;
  }
  auto config = with({raw("r", R"({"addr": "1e"})")});
  config.machine.root_ports = 0;
  EXPECT_EQ(values(plan_of("amd64", config), "-device", "virtio-rng-pci").size(), 1U);
}

}  // namespace
}  // namespace visor::sdk::plan

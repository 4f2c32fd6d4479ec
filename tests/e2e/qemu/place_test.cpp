// SPDX-License-Identifier: Apache-2.0
// The places that a VM's record keeps free are places where a running guest finds a device.
#include "devices.hpp"
#include "visor/core/extension.hpp"
#include "visor/sdk/device/addresses.hpp"
#include "visor/sdk/device/devices.hpp"

#include <algorithm>
#include <ostream>
#include <string>

namespace visor::test {
namespace {

struct PlaceCase {
  const char* name;
  const char* arch;
  const char* machine;
  std::uint32_t root_ports;
  std::uint32_t bridges;
  const char* place;   // where the first device goes
  bool drives = true;  // the guest takes part in plugging by itself
};
void PrintTo(const PlaceCase& each, std::ostream* out) { *out << each.name; }

class Places : public DeviceTest, public ::testing::WithParamInterface<PlaceCase> {
 protected:
  [[nodiscard]] const GuestArch& arch() const override { return guest_arch(GetParam().arch); }

  [[nodiscard]] VmConfig with_buses() const {
    auto config = this->config(GetParam().machine);
    config.machine.root_ports = GetParam().root_ports;
    config.machine.bridges = GetParam().bridges;
    return config;
  }
  [[nodiscard]] sdk::VirtioBlk late(const sdk::Place& place) const {
    sdk::VirtioBlk late;
    late.id = "late";
    late.backing.path = disk("late", DiskBus::virtio_blk).path;
    late.transport = arch().transport == "ccw" ? VirtioTransport::ccw : VirtioTransport::pci;
    late.place = place;
    return late;
  }
};

Value ask(Vm& vm, const char* command, const Value& arguments = {}) {
  const auto monitor = std::dynamic_pointer_cast<QmpExtension>(vm.extension(QmpExtension::id));
  return monitor->execute(command, arguments, 30s);
}

bool has_late(Vm& vm) {
  const auto children = ask(vm, "qom-list", Value::map({{"path", "/machine/peripheral"}}));
  return std::ranges::any_of(children.as_list(),
                             [](const Value& child) { return child.at("name").as_string() == "late"; });
}

TEST_P(Places, ADeviceThatComesLaterIsSeenThere) {
  const auto vm = boot(with_buses());
  auto guest = agent();
  guest.ask("echo ready");
  auto addresses = sdk::Addresses::from_value(vm->record().blob.at("addresses"));
  const auto place = addresses.take_place("late");
  EXPECT_EQ(place.devno.empty() ? place.bus + '@' + place.addr : place.devno, GetParam().place);
  const auto device = late(place);
  ask(*vm, "blockdev-add", device.node().to_value());
  ask(*vm, "device_add", device.properties().to_value());
  EXPECT_TRUE(has_late(*vm));
  if (GetParam().drives) {
    EXPECT_TRUE(eventually([&] { return guest.run("head -n 1 /dev/vda").output == "this is late\n"; }, 60s));
    ask(*vm, "device_del", Value::map({{"id", "late"}}));
    EXPECT_TRUE(eventually([&] { return !has_late(*vm); }, 60s));
    addresses.settle("late", UnplugOutcome::gone);
    EXPECT_EQ(addresses, sdk::Addresses::from_value(vm->record().blob.at("addresses")));
  }
  vm->stop({.force = true}, 20s);
}

constexpr PlaceCase amd64_cases[] = {
    {"q35", "amd64", "q35", 4, 0, "visor-port0@0"},
    {"q35_bridge", "amd64", "q35", 0, 1, "visor-bridge0@1"},
    {"pc", "amd64", "pc", 0, 0, "pci.0@1f"},
    {"pc_bridge", "amd64", "pc", 0, 1, "visor-bridge0@1"},
};
constexpr PlaceCase other_cases[] = {
    {"arm64", "arm64", "virt", 4, 0, "visor-port0@0"},
    {"ppc64le", "ppc64le", "pseries", 0, 0, "pci.0@1f", false},  // Linux asks drmgr, which a small guest has not
    {"s390x", "s390x", "s390-ccw-virtio", 0, 0, "fe.0.ffff"},
};
const auto name_of = [](const auto& each) { return std::string{each.param.name}; };

INSTANTIATE_TEST_SUITE_P(Amd64, Places, ::testing::ValuesIn(amd64_cases), name_of);
INSTANTIATE_TEST_SUITE_P(Guests, Places, ::testing::ValuesIn(other_cases), name_of);

}  // namespace
}  // namespace visor::test

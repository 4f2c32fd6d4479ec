// SPDX-License-Identifier: Apache-2.0
// Devices that come and go while a guest runs, in the guest's own words.
#include "plugged.hpp"
#include "support/error_of.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace visor::test {
namespace {

class Hotplug : public PlugTest {
 protected:
  /// With a SCSI controller from the start where the guest would not see one that comes later.
  [[nodiscard]] VmConfig with_controller(const std::string& machine) const {
    auto config = this->config(machine);
    if (by_tool() || machine == "microvm") config.devices.emplace_back(disk("cold", DiskBus::scsi));
    return config;
  }
  void expect_gone(Vm& vm, const std::string& id) const {
    EXPECT_EQ(to_string(vm.hotplug_remove(id, 60s)), "gone") << id;
    EXPECT_FALSE(has(vm, id));
  }
  /// The disk is where the result says, has its pattern, goes, and its place is the next one's.
  void check_virtio_disk(Vm& vm, Agent& guest) const {
    const auto result = vm.hotplug_add(disk("late", DiskBus::virtio_blk), 30s);
    const auto name = disk_in(guest, "late");
    ASSERT_FALSE(name.empty());
    EXPECT_EQ(guest.ask("head -n 1 /dev/" + name), "this is late");
    EXPECT_NE(guest.ask("readlink -f /sys/block/" + name).find("/" + result.address + "/"), std::string::npos)
        << guest.ask("readlink -f /sys/block/" + name) << ", not " << result.address;
    EXPECT_EQ(result.address_kind, arch().transport);
    expect_gone(vm, "late");
    EXPECT_TRUE(disk_goes(guest, name));
  }
  void check_scsi_disk(Vm& vm, Agent& guest) const {
    const auto result = vm.hotplug_add(disk("unit", DiskBus::scsi), 30s);
    EXPECT_EQ(result.address_kind, "scsi");
    const auto name = disk_in(guest, "unit");
    ASSERT_FALSE(name.empty());
    EXPECT_EQ(guest.ask("head -n 1 /dev/" + name), "this is unit");
    const auto shown = guest.ask("basename $(readlink -f /sys/block/" + name + "/device)");
    EXPECT_EQ(shown.substr(shown.find(':')), result.address.substr(result.address.find(':')));
    expect_gone(vm, "unit");
    EXPECT_TRUE(disk_goes(guest, name));
  }
  static void check_card(Vm& vm, Agent& guest) {
    const auto device = card("net");
    (void)vm.hotplug_add(device, 30s);
    ASSERT_TRUE(eventually([&] { return card_is_there(guest, device.mac); }, 60s));
    guest.ask("ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0");
    EXPECT_NE(guest.ask("ping -c 1 -W 20 10.0.2.2").find("1 packets received"), std::string::npos);
    EXPECT_EQ(to_string(vm.hotplug_remove("net", 60s)), "gone");
    EXPECT_TRUE(eventually([&] { return !card_is_there(guest, device.mac); }, 60s));
  }
  void check_port(Vm& vm, Agent& guest) const {
    const auto result = vm.hotplug_add(port("talk"), 30s);
    EXPECT_EQ(result.address_kind, "port");
    EXPECT_TRUE(eventually(
        [&] { return guest.run("grep -qx " + result.address + " /sys/class/virtio-ports/*/name").status == 0; }, 60s));
    const auto socket = folder() / "port-talk.sock";
    EXPECT_EQ(Agent{socket.string()}.ask("echo there and back"), "there and back");
    expect_gone(vm, "talk");
    EXPECT_FALSE(std::filesystem::exists(socket));
    EXPECT_NE(guest.run("grep -qx " + result.address + " /sys/class/virtio-ports/*/name").status, 0);
  }
  void check_share_is_refused(Vm& vm) const {
    const auto before = vm.config();
    const auto error = error_of([&] { (void)vm.hotplug_add(ShareConfig{.id = "late", .path = "/tmp"}, 5s); });
    EXPECT_EQ(error.code(), Errc::unsupported) << error.message();
    EXPECT_EQ(vm.config(), before);
  }
  /// Another handle finds a plugged device, and takes it out.
  void check_next_owner(std::unique_ptr<Vm>& vm) const {
    (void)vm->hotplug_add(port("handed-on"), 30s);
    vm->disconnect();
    auto next = runtime_->attach("vm", 30s);
    EXPECT_TRUE(has(*next, "handed-on"));
    expect_gone(*next, "handed-on");
    vm = std::move(next);
  }
  void check_pairs(Vm& vm, Agent& guest) const;
};

unsigned pairs() {
  const char* count = std::getenv("VISOR_PLUG_PAIRS");
  return count != nullptr ? static_cast<unsigned>(std::strtoul(count, nullptr, 10)) : 5;
}

void Hotplug::check_pairs(Vm& vm, Agent& guest) const {
  const bool pci = !by_tool() && (!slow_pci() || pairs() > 5);
  const auto before = holdings(vm);
  for (unsigned i = 0; i < pairs(); ++i) {
    const auto bus = pci && i % 2 == 0 ? DiskBus::virtio_blk : DiskBus::scsi;
    (void)vm.hotplug_add(disk("pair", bus), 30s);
    (void)vm.hotplug_add(port("pair-port"), 30s);
    const auto name = disk_in(guest, "pair");
    ASSERT_EQ(guest.ask("head -n 1 /dev/" + name), "this is pair") << "pair " << i;
    ASSERT_EQ(to_string(vm.hotplug_remove("pair", 60s)), "gone") << "pair " << i;
    ASSERT_EQ(to_string(vm.hotplug_remove("pair-port", 60s)), "gone") << "pair " << i;
    ASSERT_TRUE(disk_goes(guest, name));
  }
  auto after = holdings(vm);
  EXPECT_TRUE(eventually([&] { return (after = holdings(vm)) == before; }, 5s)) << after << "\nnot " << before;
}

TEST_P(Hotplug, DevicesComeAndGoAndLeaveNothing) {
  auto vm = boot(with_controller(std::string{arch().machine}));
  auto guest = agent();
  check_scsi_disk(*vm, guest);  // first: the controller that comes with it stays
  if (!by_tool()) check_virtio_disk(*vm, guest);
  if (!by_tool()) check_card(*vm, guest);
  check_port(*vm, guest);
  check_share_is_refused(*vm);
  check_pairs(*vm, guest);
  check_next_owner(vm);
  vm->stop({.force = true}, 20s);
}

VISOR_LIFE_ON(Hotplug, "amd64", "arm64", "ppc64le", "s390x");

using PseriesHotplug = Hotplug;

/// QEMU 7.2: the guest is told, its kernel says so in its log, and only drmgr brings the device in or lets it go.
TEST_P(PseriesHotplug, ADeviceOnThePciBusComesAndGoesByTheGuestsTool) {
  const auto vm = boot(with_controller("pseries"));
  auto guest = agent();
  const auto result = vm->hotplug_add(disk("late", DiskBus::virtio_blk), 30s);
  EXPECT_EQ(result.address, "0000:00:1f.0");
  EXPECT_EQ(guest.ask("ls /sys/block | grep -c ^vd; :"), "0");
  // docs/GUEST.md: 0x40000000 + slot * 8
  const std::string drmgr = " -s 0x400000f8 -n -d4 -V >/dev/null 2>&1; :";
  guest.ask("mkdir -p /var/log /var/lock; drmgr -c pci -a" + drmgr);
  const auto name = disk_in(guest, "late");
  ASSERT_FALSE(name.empty());
  EXPECT_EQ(guest.ask("head -n 1 /dev/" + name), "this is late");
  EXPECT_EQ(to_string(vm->hotplug_remove("late", 1s)), "pending");
  EXPECT_TRUE(has(*vm, "late"));
  guest.ask("drmgr -c pci -r" + drmgr);
  // The event comes after the call: the record is written and the image closed all the same.
  EXPECT_TRUE(eventually([&] { return vm->record().config.devices.size() == 2; }, 60s));
  EXPECT_FALSE(has(*vm, "late"));
  EXPECT_EQ(ask_qemu(*vm, "query-named-block-nodes").as_list().size(), 2U);  // the cold disk's
  EXPECT_EQ(vm->hotplug_add(disk("late", DiskBus::virtio_blk), 30s).address, result.address);
  // What leaves its bus open goes where the guest sees it.
  EXPECT_EQ(vm->hotplug_add(disk("unit", DiskBus::automatic), 30s).address_kind, "scsi");
  EXPECT_FALSE(disk_in(guest, "unit").empty());
  vm->stop({.force = true}, 20s);
}

VISOR_LIFE_ON(PseriesHotplug, "ppc64le");

using Q35Hotplug = Hotplug;

TEST_P(Q35Hotplug, PortsRunOutAndALostRequestIsRepeated) {
  auto vm = runtime_->create(config("q35"), "vm");
  vm->start(30s);
  (void)vm->hotplug_add(disk("early", DiskBus::virtio_blk), 30s);
  const auto first = vm->hotplug_remove("early", 300ms);  // nobody is there who could let go of it
  EXPECT_EQ(to_string(first), "pending");
  vm->wait_ready(boot_limit);
  auto guest = agent();
  const auto name = disk_in(guest, "early");
  EXPECT_EQ(guest.ask("head -n 1 /dev/" + name), "this is early");
  EXPECT_EQ(to_string(vm->hotplug_remove("early", 60s)), "gone");
  for (int i = 0; i < 4; ++i) (void)vm->hotplug_add(disk("d" + std::to_string(i), DiskBus::automatic), 30s);
  const auto error = error_of([&] { (void)vm->hotplug_add(disk("d4", DiskBus::automatic), 30s); });
  EXPECT_EQ(to_string(error.code()), "exhausted");
  EXPECT_NE(error.message().find("4 root ports"), std::string::npos) << error.message();
  EXPECT_NE(error.message().find("machine.root_ports"), std::string::npos) << error.message();
  EXPECT_FALSE(has(*vm, "d4"));
  EXPECT_FALSE(disk_in(guest, "d3").empty());
  vm->stop({.force = true}, 20s);
}

TEST_P(Q35Hotplug, OtherMachinesOfTheArchitectureTakeWhatTheyCan) {
  {
    const auto vm = boot(config("pc"), "pc");
    auto guest = agent("pc");
    check_virtio_disk(*vm, guest);
    check_scsi_disk(*vm, guest);
    vm->stop({.force = true}, 20s);
  }
  const auto vm = boot(with_controller("microvm"));
  auto guest = agent();
  check_scsi_disk(*vm, guest);
  check_port(*vm, guest);
  const auto error = error_of([&] { (void)vm->hotplug_add(disk("no", DiskBus::virtio_blk), 30s); });
  EXPECT_EQ(to_string(error.code()), "unsupported") << error.message();
  EXPECT_FALSE(vm->capabilities().has(Feature::hotplug_nic));
  EXPECT_EQ(error_of([&] { (void)vm->hotplug_add(card("no"), 30s); }).code(), Errc::unsupported);
  vm->stop({.force = true}, 20s);
}

VISOR_LIFE_ON(Q35Hotplug, "amd64");

}  // namespace
}  // namespace visor::test

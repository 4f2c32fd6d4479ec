// SPDX-License-Identifier: Apache-2.0
// Disks, ports and network cards come, go and come again; what fails leaves nothing.
#include "visor/sdk/hotplug/plug.hpp"
#include "machine.hpp"
#include "visor/sdk/device/vfio.hpp"
#include "visor/sdk/qmp/commands/block.hpp"
#include "visor/sdk/qmp/commands/device.hpp"
#include "visor/sdk/qmp/commands/fd.hpp"
#include "visor/sdk/qmp/commands/net.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <cstring>
#include <filesystem>
#include <thread>

namespace visor::test {
namespace {

using sdk::hotplug::plug;
using sdk::hotplug::unplug;

/// That a function is refused in words that contain these.
testing::AssertionResult is_refused(const std::function<void()>& function, const std::string& words) {
  const auto error = error_of(function);
  if (!error) return testing::AssertionFailure() << "it was not refused";
  if (error->code() != Errc::hypervisor_error || error->message().find(words) == std::string::npos ||
      error->message().find("undone") != std::string::npos) {
    return testing::AssertionFailure() << to_string(error->code()) << ": " << error->message();
  }
  return testing::AssertionSuccess();
}

class Plugging : public MachineTest {
 protected:
  [[nodiscard]] sdk::VirtioBlk disk() const {
    return {.id = "d0",
            .backing = {.path = make_file("disk", 1U << 20U)},
            .transport = GetParam().transport,
            .share_rw = true,
            .num_queues = 2,
            .place = GetParam().place};
  }
  /// Where nothing can be plugged.
  [[nodiscard]] sdk::Place nowhere() const {
    if (GetParam().transport == VirtioTransport::ccw) return {.devno = "fe.0.0000"};
    return {.bus = "nosuch"};
  }
  [[nodiscard]] std::string nowhere_words() const {
    return GetParam().transport == VirtioTransport::ccw ? "already exists" : "Bus 'nosuch' not found";
  }
};

TEST_P(Plugging, ADiskComesAndGoes) {
  start();
  for (int i = 0; i < 2; ++i) {
    plug(*client_, disk(), plenty);
    EXPECT_TRUE(has_device("d0"));
    EXPECT_TRUE(has_node("node-d0"));
    EXPECT_TRUE(is_refused([&] { plug(*client_, disk(), plenty); }, "Duplicate nodes"));
    EXPECT_TRUE(has_device("d0"));
    EXPECT_TRUE(has_node("node-d0"));
    const auto report = unplug(*client_, disk(), plenty);
    EXPECT_EQ(report.outcome, UnplugOutcome::gone) << report.reason;
    EXPECT_FALSE(has_device("d0"));
    EXPECT_FALSE(has_node("node-d0"));
  }
  EXPECT_EQ(unplug(*client_, disk(), plenty).outcome, UnplugOutcome::gone);
}

TEST_P(Plugging, ADiskThatFailsLeavesNothing) {
  start();
  auto lost = disk();
  lost.place = nowhere();
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(is_refused([&] { plug(*client_, lost, plenty); }, nowhere_words()));
    EXPECT_FALSE(has_node("node-d0"));
  }
  auto absent = disk();
  absent.backing.path += ".absent";
  EXPECT_TRUE(is_refused([&] { plug(*client_, absent, plenty); }, "No such file"));
  sdk::qmp::blockdev_add(*client_, disk().node().to_value(), plenty);
  EXPECT_TRUE(is_refused([&] { plug(*client_, disk(), plenty); }, "Duplicate nodes"));
  EXPECT_TRUE(has_node("node-d0"));  // it is not the one that was to be plugged
}

TEST_P(Plugging, AScsiDiskComesAndGoes) {
  start();
  using enum sdk::ScsiDriver;
  for (const auto driver : {hd, cd}) {
    const sdk::ScsiDisk scsi{.id = "d1",
                             .backing = {.path = make_file("disk", 1U << 20U)},
                             .driver = driver,
                             .bus = "s0.0",
                             .scsi_id = 2,
                             .lun = 3};
    plug(*client_, scsi, plenty);
    EXPECT_TRUE(has_device("d1"));
    const auto again = sdk::ScsiDisk{scsi};
    EXPECT_TRUE(is_refused([&] { plug(*client_, again, plenty); }, "Duplicate nodes"));
    EXPECT_EQ(unplug(*client_, scsi, plenty).outcome, UnplugOutcome::gone);
    EXPECT_FALSE(has_node("node-d1"));
  }
}

TEST_P(Plugging, APortComesAndGoes) {
  start();
  const sdk::VirtioPort port{.id = "p0", .chardev = "c0", .bus = "ser0.0", .name = "agent"};
  const sdk::qmp::UnixSocketBackend socket{.path = folder_.file("agent.sock"), .server = true};
  for (int i = 0; i < 2; ++i) {
    plug(*client_, socket, port, plenty);
    EXPECT_TRUE(std::filesystem::exists(socket.path));
    EXPECT_TRUE(is_refused([&] { plug(*client_, socket, port, plenty); }, "already exists"));
    const sdk::VirtioPort namesake{.id = "p1", .chardev = "c1", .bus = "ser0.0", .name = "agent"};
    const sdk::qmp::UnixSocketBackend other{.path = folder_.file("other.sock"), .server = true};
    EXPECT_TRUE(is_refused([&] { plug(*client_, other, namesake, plenty); }, "A port already exists by name agent"));
    EXPECT_FALSE(std::filesystem::exists(other.path));
    EXPECT_EQ(unplug(*client_, port, plenty).outcome, UnplugOutcome::gone);
    EXPECT_FALSE(std::filesystem::exists(socket.path));
  }
}

TEST_P(Plugging, CharacterDevicesOfEachKindComeAndGo) {
  start();
  using namespace sdk::qmp;
  EXPECT_EQ(chardev_add_pty(*client_, "pty", plenty).find("/dev/pts/"), 0U);
  chardev_add_null(*client_, "null", plenty);
  chardev_add_ringbuf(*client_, "ringbuf", 4096, plenty);
  chardev_add_file(*client_, "file", folder_.file("out"), plenty);
  chardev_add_socket(*client_, "server", {.path = folder_.file("s.sock"), .server = true}, plenty);
  chardev_add_socket(*client_, "client", {.path = folder_.file("s.sock"), .reconnect = 1s}, plenty);
  EXPECT_TRUE(is_refused([&] { chardev_add_null(*client_, "null", plenty); }, "already exists"));
  for (const auto* id : {"pty", "null", "ringbuf", "file", "client", "server"}) chardev_remove(*client_, id, plenty);
  EXPECT_TRUE(is_refused([&] { chardev_remove(*client_, "null", plenty); }, "Chardev 'null' not found"));
}

class PluggingCards : public Plugging {
 protected:
  [[nodiscard]] sdk::VirtioNet card() const {
    return {.id = "e0",
            .netdev = "n0",
            .mac = "52:54:00:12:34:56",
            .transport = GetParam().transport,
            .queues = 1,
            .place = GetParam().place};
  }
  bool has_netdev(const std::string& id) {
    return client_->call({"netdev_del", Value::map({{"id", id}})}, plenty).ok();
  }
};

TEST_P(PluggingCards, OneOnQemusOwnNetworkComesAndGoes) {
  start();
  const sdk::UserNetdev user{.id = "n0", .isolated = true};
  for (int i = 0; i < 2; ++i) {
    plug(*client_, user, card(), plenty);
    EXPECT_TRUE(is_refused([&] { plug(*client_, user, card(), plenty); }, "Duplicate ID 'n0'"));
    EXPECT_EQ(unplug(*client_, card(), plenty).outcome, UnplugOutcome::gone);
    EXPECT_FALSE(has_netdev("n0"));
  }
  auto lost = card();
  lost.place = nowhere();
  EXPECT_TRUE(is_refused([&] { plug(*client_, user, lost, plenty); }, nowhere_words()));
  EXPECT_FALSE(has_netdev("n0"));
}

/// A tap interface in a network namespace of its own, which ends with it; nothing when this host does not allow it.
UniqueFd make_tap() {
  UniqueFd tap;
  std::thread{[&] {
    if (::unshare(CLONE_NEWNET) != 0) return;
    UniqueFd fd{::open("/dev/net/tun", O_RDWR | O_CLOEXEC)};
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    std::strncpy(request.ifr_name, "visor0", IFNAMSIZ - 1);
    if (fd && ::ioctl(fd.get(), TUNSETIFF, &request) == 0) tap = std::move(fd);
  }}.join();
  return tap;
}

TEST_P(PluggingCards, OneOnATapByDescriptorComesAndGoes) {
  const auto tap = make_tap();
  if (!tap) GTEST_SKIP() << "no tap interface can be made on this host";
  start();
  for (int i = 0; i < 2; ++i) {
    plug(*client_, sdk::TapNetdev{.id = "n0"}, {{tap.get()}}, card(), plenty);
    EXPECT_EQ(unplug(*client_, card(), plenty).outcome, UnplugOutcome::gone);
    EXPECT_FALSE(has_netdev("n0"));
  }
}

TEST_P(PluggingCards, NoDescriptorIsLeftOfABackendThatFails) {
  start();
  const UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  for (int i = 0; i < 2; ++i) {
    const auto error =
        error_of([&] { plug(*client_, sdk::TapNetdev{.id = "n0"}, {{null.get(), null.get()}}, card(), plenty); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), Errc::hypervisor_error) << error->message();
    for (const auto* name : {"n0-fd0", "n0-fd1"}) {
      EXPECT_TRUE(is_refused([&] { sdk::qmp::closefd(*client_, name, plenty); }, "not found"));
    }
  }
}

TEST_P(PluggingCards, VhostThatDoesNotWorkDoesNotEndQemu) {
  const auto tap = make_tap();
  if (!tap) GTEST_SKIP() << "no tap interface can be made on this host";
  start();
  const UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  EXPECT_TRUE(error_of([&] {
    plug(*client_, sdk::TapNetdev{.id = "n0"}, {.taps = {tap.get()}, .vhosts = {null.get()}}, card(), plenty);
  }));
  EXPECT_FALSE(has_netdev("n0"));
  EXPECT_TRUE(client_->call({"query-status"}, plenty).ok());
}

/// What this host does not have is refused by QEMU for that reason alone: it knew every property before.
TEST_P(Plugging, HostDevicesHaveThePropertiesThatQemuKnows) {
  start();
  const bool ccw = GetParam().transport == VirtioTransport::ccw;
  const auto add = [&](const auto& device) {
    device.validate();
    const auto error = error_of([&] { sdk::qmp::device_add(*client_, device.properties().to_value(), plenty); });
    EXPECT_TRUE(error && error->code() == Errc::hypervisor_error);
    EXPECT_EQ(error->message().find("Property"), std::string::npos) << error->message();
    EXPECT_EQ(error->message().find("not a valid device model"), std::string::npos) << error->message();
  };
  auto place = GetParam().place;
  if (ccw) {
    add(sdk::VfioCcw{.id = "h0", .sysfsdev = "/sys/nosuch", .devno = "fe.0.0007"});
    add(sdk::VfioAp{.id = "h0", .sysfsdev = "/sys/nosuch"});
  } else {
    add(sdk::VfioPci{.id = "h0", .host = "0000:ff:1f.7", .vendor_id = 1, .device_id = 2, .place = place});
    add(sdk::VfioPci{.id = "h0", .sysfsdev = "/sys/nosuch", .place = place});
  }
  sdk::qmp::chardev_add_null(*client_, "null", plenty);
  place.iommu_platform = true;
  using enum sdk::VhostUserKind;
  const auto served = [&](sdk::VhostUserKind kind, std::string tag, std::optional<std::uint16_t> queue_size) {
    add(sdk::VhostUserDevice{.kind = kind,
                             .id = "v0",
                             .chardev = "null",
                             .tag = std::move(tag),
                             .transport = GetParam().transport,
                             .queue_size = queue_size,
                             .place = place});
  };
  served(fs, "tag", 256);
  if (ccw) return;
  served(blk, "", 256);
  served(scsi, "", {});
}

TEST_P(Plugging, PlacesAreAsQemuReadsThem) {
  start();
  auto disk_there = disk();
  if (GetParam().transport == VirtioTransport::ccw) {
    disk_there.place = {.devno = "fe.3.fffe"};
  } else {
    disk_there.place.addr = GetParam().name == "ppc64le" ? "1f.7" : "0x0";
    disk_there.place.romfile = "";
  }
  plug(*client_, disk_there, plenty);
  EXPECT_EQ(unplug(*client_, disk_there, plenty).outcome, UnplugOutcome::gone);
}

INSTANTIATE_TEST_SUITE_P(On, Plugging, testing::ValuesIn(machines()), name_of);
INSTANTIATE_TEST_SUITE_P(On, PluggingCards, testing::ValuesIn(machines()), name_of);

}  // namespace
}  // namespace visor::test

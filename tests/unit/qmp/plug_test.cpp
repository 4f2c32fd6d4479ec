// SPDX-License-Identifier: Apache-2.0
// Devices of several parts: the commands that make them, in order and with their types, and those that take them back.
#include "visor/sdk/hotplug/plug.hpp"

#include "qmp_test_support.hpp"

#include <fcntl.h>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;
using qmp::code_of;
using qmp::connect;
using qmp::error_of;
using qmp::plenty;
using qmp::ready_script;
using testing::FakeQmpServer;
using testing::QmpScript;

Value id(const char* name) { return Value::map({{"id", name}}); }
Value fd_name(const char* name) { return Value::map({{"fdname", name}}); }
Value node_name(const char* name) { return Value::map({{"node-name", name}}); }

/// The script is followed to its end by what is done, which sends nothing more.
void follows(QmpScript script, const std::function<void(qmp::Client&)>& act) {
  FakeQmpServer server{std::move(script.expect_end())};
  auto client = connect(server);
  act(*client);
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

/// It is refused before anything is sent.
void is_refused(const std::function<void(qmp::Client&)>& act) {
  follows(ready_script(), [&](auto& client) { EXPECT_EQ(code_of([&] { act(client); }), Errc::invalid_config); });
}

/// The last step is refused, and what came before is taken back by these commands.
QmpScript& refuse_and_expect(QmpScript& script, std::initializer_list<std::pair<const char*, Value>> undone) {
  script.fail("GenericError", "no");
  for (const auto& [command, arguments] : undone) script.expect(command, arguments).reply();
  return script;
}

const VirtioBlk disk{.id = "d0", .backing = {.path = "/x"}, .place = {.bus = "rp0", .addr = "0"}};
const Value disk_node =
    Value::map({{"driver", "raw"},
                {"node-name", "node-d0"},
                {"read-only", false},
                {"file", Value::map({{"driver", "file"}, {"filename", "/x"}, {"aio", "threads"}})}});
const Value disk_device =
    Value::map({{"driver", "virtio-blk-pci"}, {"id", "d0"}, {"drive", "node-d0"}, {"bus", "rp0"}, {"addr", "0"}});

TEST(Plug, ADiskIsANodeAndADevice) {
  follows(ready_script().expect("blockdev-add", disk_node).reply().expect("device_add", disk_device).reply(),
          [](auto& client) { hotplug::plug(client, disk, plenty); });
  auto script = ready_script();
  script.expect("blockdev-add").reply().expect("device_add");
  follows(refuse_and_expect(script, {{"blockdev-del", node_name("node-d0")}}), [](auto& client) {
    EXPECT_EQ(code_of([&] { hotplug::plug(client, disk, plenty); }), Errc::hypervisor_error);
  });
}

TEST(Plug, AScsiDiskIsOneAsWell) {
  const ScsiDisk scsi{.id = "d0", .backing = {.path = "/x"}, .bus = "s0.0", .scsi_id = 1, .lun = 2};
  const auto device = Value::map(
      {{"driver", "scsi-hd"}, {"id", "d0"}, {"bus", "s0.0"}, {"drive", "node-d0"}, {"scsi-id", 1}, {"lun", 2}});
  follows(ready_script().expect("blockdev-add", disk_node).reply().expect("device_add", device).reply(),
          [&](auto& client) { hotplug::plug(client, scsi, plenty); });
}

const MemoryBackend memory{.id = "m0", .size_bytes = 4096, .share = true};
const PcDimm module{.id = "dimm0", .memdev = "m0"};

TEST(Plug, MemoryIsABackendAndAModule) {
  const auto backend = Value::map({{"qom-type", "memory-backend-ram"}, {"id", "m0"}, {"size", 4096}, {"share", true}});
  const auto device = Value::map({{"driver", "pc-dimm"}, {"id", "dimm0"}, {"memdev", "m0"}});
  follows(ready_script().expect("object-add", backend).reply().expect("device_add", device).reply(),
          [](auto& client) { hotplug::plug(client, memory, module, plenty); });
  auto script = ready_script();
  script.expect("object-add").reply().expect("device_add");
  follows(refuse_and_expect(script, {{"object-del", id("m0")}}), [](auto& client) {
    EXPECT_EQ(code_of([&] { hotplug::plug(client, memory, module, plenty); }), Errc::hypervisor_error);
  });
  is_refused([](auto& client) { hotplug::plug(client, memory, PcDimm{.id = "d", .memdev = "m1"}, plenty); });
}

TEST(Plug, AnNvdimmIsOneAsWell) {
  Nvdimm nvdimm{.id = "n0", .backend_id = "m0", .path = "/i", .size_bytes = 4096, .read_only = false};
  nvdimm.pmem = true;
  const auto backend = Value::map({{"qom-type", "memory-backend-file"},
                                   {"id", "m0"},
                                   {"mem-path", "/i"},
                                   {"size", 4096},
                                   {"share", true},
                                   {"readonly", false},
                                   {"pmem", true}});
  const auto device = Value::map({{"driver", "nvdimm"}, {"id", "n0"}, {"memdev", "m0"}, {"unarmed", false}});
  follows(ready_script().expect("object-add", backend).reply().expect("device_add", device).reply(),
          [&](auto& client) { hotplug::plug(client, nvdimm, plenty); });
  auto script = ready_script();
  script.expect("object-add").reply().expect("device_add");
  follows(refuse_and_expect(script, {{"object-del", id("m0")}}), [&](auto& client) {
    EXPECT_EQ(code_of([&] { hotplug::plug(client, nvdimm, plenty); }), Errc::hypervisor_error);
  });
}

const VirtioNet card{.id = "e0", .netdev = "n0", .mac = "52:54:00:12:34:56", .queues = 2};
const Value card_device = Value::map({{"driver", "virtio-net-pci"},
                                      {"id", "e0"},
                                      {"netdev", "n0"},
                                      {"mac", "52:54:00:12:34:56"},
                                      {"mq", true},
                                      {"vectors", 6}});

TEST(Plug, ACardIsABackendAndADevice) {
  const auto user = Value::map({{"type", "user"}, {"id", "n0"}});
  follows(ready_script().expect("netdev_add", user).reply().expect("device_add", card_device).reply(),
          [](auto& client) { hotplug::plug(client, UserNetdev{.id = "n0"}, card, plenty); });
  const auto tap = Value::map(
      {{"type", "tap"}, {"id", "n0"}, {"ifname", "tap0"}, {"script", "no"}, {"downscript", "no"}, {"queues", 2}});
  auto script = ready_script();
  script.expect("netdev_add", tap).reply().expect("device_add");
  follows(refuse_and_expect(script, {{"netdev_del", id("n0")}}), [](auto& client) {
    const TapNetdev named{.id = "n0", .ifname = "tap0", .queues = 2};
    EXPECT_EQ(code_of([&] { hotplug::plug(client, named, card, plenty); }), Errc::hypervisor_error);
  });
  is_refused([](auto& client) { hotplug::plug(client, UserNetdev{.id = "n1"}, card, plenty); });
}

class PlugFds : public ::testing::Test {
 protected:
  static void plug(qmp::Client& client) {
    const UniqueFd fd{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    hotplug::plug(client, TapNetdev{.id = "n0"}, {{fd.get(), fd.get()}, {fd.get(), fd.get()}}, card, plenty);
  }
  static QmpScript passed() {
    auto script = ready_script();
    for (const auto* name : {"n0-fd0", "n0-fd1", "n0-vhost0", "n0-vhost1"}) {
      script.expect("getfd", fd_name(name)).reply();
    }
    return script;
  }
};

TEST_F(PlugFds, PassesThemAndNamesThemToTheBackend) {
  const auto tap = Value::map({{"type", "tap"},
                               {"id", "n0"},
                               {"fds", "n0-fd0:n0-fd1"},
                               {"vhost", true},
                               {"vhostforce", true},
                               {"vhostfds", "n0-vhost0:n0-vhost1"}});
  FakeQmpServer server{passed().expect("netdev_add", tap).reply().expect("device_add", card_device).reply()};
  plug(*connect(server));
  EXPECT_EQ(server.finish(), "");
  EXPECT_EQ(server.received_fds(), 4U);
}

TEST_F(PlugFds, ClosesWhatARefusedBackendHasNotUsed) {
  auto script = passed();
  script.expect("netdev_add")
      .fail("GenericError", "File descriptor named 'n0-fd1' has not been found")
      .expect("closefd", fd_name("n0-vhost1"))
      .reply()
      .expect("closefd", fd_name("n0-vhost0"))
      .reply()
      .expect("closefd", fd_name("n0-fd1"))
      .reply()
      .expect("closefd", fd_name("n0-fd0"))
      .fail("GenericError", "File descriptor named 'n0-fd0' not found");
  follows(std::move(script), [](auto& client) {
    const auto error = error_of([&] { plug(client); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->message().find("undone"), std::string::npos) << error->message();
  });
}

TEST_F(PlugFds, RefusesListsThatDoNotMatch) {
  const auto refused = [](TapNetdev tap, hotplug::TapDescriptors descriptors) {
    is_refused([&](auto& client) { hotplug::plug(client, tap, descriptors, card, plenty); });
  };
  refused({.id = "n0"}, {{}});
  refused({.id = "n0"}, {{0, 0}, {0}});
  refused({.id = "n0"}, {{-1}});
  refused({.id = "n0", .fds = {"a"}}, {{0}});
  refused({.id = "n0", .ifname = "tap0"}, {{0}});
}

const qmp::UnixSocketBackend socket_path{.path = "/s"};
Value socket_of(const char* name) {
  auto addr = Value::map({{"type", "unix"}, {"data", Value::map({{"path", "/s"}})}});
  auto data = Value::map({{"addr", std::move(addr)}, {"server", false}});
  return Value::map({{"id", name}, {"backend", Value::map({{"type", "socket"}, {"data", std::move(data)}})}});
}

TEST(Plug, AVhostUserDeviceIsASocketAndADevice) {
  const VhostUserDevice share{.kind = VhostUserKind::fs, .id = "v0", .chardev = "c0", .tag = "t"};
  const auto device = Value::map({{"driver", "vhost-user-fs-pci"}, {"id", "v0"}, {"chardev", "c0"}, {"tag", "t"}});
  follows(ready_script().expect("chardev-add", socket_of("c0")).reply().expect("device_add", device).reply(),
          [&](auto& client) { hotplug::plug(client, socket_path, share, plenty); });
  auto script = ready_script();
  script.expect("chardev-add").reply().expect("device_add");
  follows(refuse_and_expect(script, {{"chardev-remove", id("c0")}}), [&](auto& client) {
    EXPECT_EQ(code_of([&] { hotplug::plug(client, socket_path, share, plenty); }), Errc::hypervisor_error);
  });
}

TEST(Plug, AVhostUserCardIsASocketABackendAndADevice) {
  const VhostUserNetdev netdev{.id = "n0", .chardev = "c0", .queues = 2};
  const auto backend = Value::map({{"type", "vhost-user"}, {"id", "n0"}, {"chardev", "c0"}, {"queues", 2}});
  auto script = ready_script();
  script.expect("chardev-add", socket_of("c0"))
      .reply()
      .expect("netdev_add", backend)
      .reply()
      .expect("device_add", card_device);
  follows(refuse_and_expect(script, {{"netdev_del", id("n0")}, {"chardev-remove", id("c0")}}), [&](auto& client) {
    EXPECT_EQ(code_of([&] { hotplug::plug(client, socket_path, netdev, card, plenty); }), Errc::hypervisor_error);
  });
}

TEST(Plug, APortIsASocketAndADevice) {
  const VirtioPort port{.id = "p0", .chardev = "c0", .bus = "s0.0", .name = "agent"};
  const auto device =
      Value::map({{"driver", "virtserialport"}, {"id", "p0"}, {"bus", "s0.0"}, {"chardev", "c0"}, {"name", "agent"}});
  follows(ready_script().expect("chardev-add", socket_of("c0")).reply().expect("device_add", device).reply(),
          [&](auto& client) { hotplug::plug(client, socket_path, port, plenty); });
}

TEST(Plug, AVsockDeviceIsADescriptorAndADevice) {
  const VhostVsock vsock{.id = "v0", .guest_cid = 3};
  const auto device =
      Value::map({{"driver", "vhost-vsock-pci"}, {"id", "v0"}, {"guest-cid", 3}, {"vhostfd", "v0-vhost"}});
  auto script = ready_script();
  script.expect("getfd", fd_name("v0-vhost")).reply().expect("device_add", device);
  follows(refuse_and_expect(script, {{"closefd", fd_name("v0-vhost")}}), [&](auto& client) {
    EXPECT_EQ(code_of([&] { hotplug::plug(client, vsock, 0, plenty); }), Errc::hypervisor_error);
  });
  is_refused([&](auto& client) { hotplug::plug(client, vsock, -1, plenty); });
  is_refused(
      [](auto& client) { hotplug::plug(client, VhostVsock{.id = "v0", .guest_cid = 3, .vhostfd = "f"}, 0, plenty); });
}

TEST(Plug, RefusesAStructThatIsWrongBeforeAnythingIsSent) {
  is_refused([](auto& client) { hotplug::plug(client, VirtioBlk{.id = "d0"}, plenty); });
  is_refused([](auto& client) { hotplug::plug(client, ScsiDisk{.id = "d0", .backing = {.path = "/x"}}, plenty); });
  is_refused([](auto& client) { hotplug::plug(client, MemoryBackend{.id = "m0"}, module, plenty); });
  is_refused([](auto& client) { hotplug::plug(client, memory, PcDimm{.id = "0", .memdev = "m0"}, plenty); });
  is_refused([](auto& client) { hotplug::plug(client, Nvdimm{}, plenty); });
  is_refused([](auto& client) {
    hotplug::plug(client, socket_path, VirtioPort{.id = "p0", .chardev = "", .bus = "", .name = ""}, plenty);
  });
  is_refused(
      [](auto& client) { hotplug::plug(client, {.path = "s"}, VhostUserDevice{.id = "v0", .chardev = "c0"}, plenty); });
}

/// Unplugs by the act, which is to remove these behind the device.
void unplugs(const char* device, std::initializer_list<std::pair<const char*, Value>> behind,
             const std::function<qmp::UnplugReport(qmp::Client&)>& act) {
  auto script = ready_script();
  script.expect("device_del", id(device)).reply().event("DEVICE_DELETED", Value::map({{"device", device}}));
  for (const auto& [command, arguments] : behind) script.expect(command, arguments).reply();
  follows(std::move(script), [&](auto& client) { EXPECT_EQ(act(client).outcome, UnplugOutcome::gone); });
}

TEST(Plug, UnplugTakesBackWhatPlugMade) {
  unplugs("d0", {{"blockdev-del", node_name("node-d0")}},
          [](auto& client) { return hotplug::unplug(client, disk, plenty); });
  unplugs("d0", {{"blockdev-del", node_name("node-d0")}},
          [](auto& client) { return hotplug::unplug(client, ScsiDisk{.id = "d0"}, plenty); });
  unplugs("dimm0", {{"object-del", id("m0")}}, [](auto& client) { return hotplug::unplug(client, module, plenty); });
  unplugs("e0", {{"netdev_del", id("n0")}}, [](auto& client) { return hotplug::unplug(client, card, plenty); });
  unplugs("e0", {{"netdev_del", id("n0")}, {"chardev-remove", id("c0")}},
          [](auto& client) { return hotplug::unplug(client, card, "c0", plenty); });
  unplugs("v0", {{"chardev-remove", id("c0")}},
          [](auto& client) { return hotplug::unplug(client, VhostUserDevice{.id = "v0", .chardev = "c0"}, plenty); });
  unplugs("p0", {{"chardev-remove", id("c0")}}, [](auto& client) {
    return hotplug::unplug(client, VirtioPort{.id = "p0", .chardev = "c0", .bus = "", .name = ""}, plenty);
  });
}

}  // namespace
}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
// The commands that add and remove, by what they send and what they refuse to send.
#include "qmp_test_support.hpp"
#include "visor/sdk/qmp/commands/block.hpp"
#include "visor/sdk/qmp/commands/chardev.hpp"
#include "visor/sdk/qmp/commands/device.hpp"
#include "visor/sdk/qmp/commands/fd.hpp"
#include "visor/sdk/qmp/commands/net.hpp"
#include "visor/sdk/qmp/commands/object.hpp"

#include <fcntl.h>

namespace visor::sdk::qmp {
namespace {

Value named(const char* key, const char* name) { return Value::map({{key, name}}); }

const Value some_node = Value::map({{"driver", "raw"},
                                    {"node-name", "n0"},
                                    {"read-only", true},
                                    {"file", Value::map({{"driver", "file"}, {"filename", "/x"}})}});
const Value some_device = Value::map({{"driver", "virtio-blk-pci"}, {"id", "d0"}, {"num-queues", 4}});
const Value some_object = Value::map({{"qom-type", "memory-backend-ram"}, {"id", "m0"}, {"size", 1 << 20}});

TEST(QmpPlugCommands, SendWhatTheyAreGivenWithItsTypes) {
  FakeQmpServer server{ready_script()
                           .expect("blockdev-add", some_node)
                           .reply()
                           .expect("blockdev-del", named("node-name", "n0"))
                           .reply()
                           .expect("device_add", some_device)
                           .reply()
                           .expect("device_del", named("id", "d0"))
                           .reply()
                           .expect("object-add", some_object)
                           .reply()
                           .expect("object-del", named("id", "m0"))
                           .reply()
                           .expect("netdev_del", named("id", "n0"))
                           .reply()
                           .expect("chardev-remove", named("id", "c0"))
                           .reply()
                           .expect("closefd", named("fdname", "f0"))
                           .reply()};
  const auto client = connect(server);
  blockdev_add(*client, some_node, plenty);
  blockdev_del(*client, "n0", plenty);
  device_add(*client, some_device, plenty);
  device_del(*client, "d0", plenty);
  object_add(*client, some_object, plenty);
  object_del(*client, "m0", plenty);
  netdev_del(*client, "n0", plenty);
  chardev_remove(*client, "c0", plenty);
  closefd(*client, "f0", plenty);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpPlugCommands, PassOnWhatQemuRefuses) {
  FakeQmpServer server{ready_script()
                           .expect("device_add")
                           .fail("GenericError", "Duplicate device ID 'd0'")
                           .expect("netdev_del")
                           .fail("DeviceNotFound", "Device 'x' not found")};
  const auto client = connect(server);
  const auto error = error_of([&] { device_add(*client, some_device, plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::hypervisor_error);
  EXPECT_NE(error->message().find("Duplicate device ID 'd0'"), std::string::npos);
  EXPECT_EQ(code_of([&] { netdev_del(*client, "x", plenty); }), Errc::hypervisor_error);
}

TEST(QmpPlugCommands, RefuseIncompleteArgumentsBeforeSending) {
  FakeQmpServer server{ready_script().expect_end()};
  auto client = connect(server);
  const auto refused = [&](auto&& function, Value arguments) {
    EXPECT_EQ(code_of([&] { function(*client, std::move(arguments), plenty); }), Errc::invalid_config);
  };
  refused(blockdev_add, named("driver", "raw"));
  refused(blockdev_add, named("node-name", "n0"));
  refused(device_add, named("id", "d0"));
  refused(object_add, named("id", "m0"));
  refused(object_add, named("qom-type", "iothread"));
  refused(object_add, Value{some_object}.set("props", Value::map()));
  refused(netdev_add, named("type", "user"));
  refused(netdev_add, named("id", "n0"));
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

Value tap(std::initializer_list<std::pair<std::string, Value>> members) {
  auto value = Value::map({{"type", "tap"}, {"id", "n0"}});
  for (const auto& [key, member] : members) value.set(key, member);
  return value;
}

TEST(QmpNetdevAdd, SendsListsOfDescriptors) {
  const auto full = tap({{"fds", "a:b"}, {"vhost", true}, {"vhostforce", true}, {"vhostfds", "c:d"}});
  FakeQmpServer server{ready_script()
                           .expect("netdev_add", full)
                           .reply()
                           .expect("netdev_add", Value::map({{"type", "user"}, {"id", "u"}}))
                           .reply()};
  const auto client = connect(server);
  netdev_add(*client, full, plenty);
  netdev_add(*client, Value::map({{"type", "user"}, {"id", "u"}}), plenty);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpNetdevAdd, RefusesWhatWouldEndQemu) {
  FakeQmpServer server{ready_script().expect_end()};
  auto client = connect(server);
  const auto message = [&](const Value& arguments) {
    const auto error = error_of([&] { netdev_add(*client, arguments, plenty); });
    EXPECT_TRUE(error && error->code() == Errc::invalid_config);
    return error ? error->message() : "";
  };
  EXPECT_EQ(message(tap({{"fds", ""}})), "Network backend 'n0': fds must be names joined by ':', none of them empty");
  for (const auto* bad : {":", "a:", ":a", "a::b"}) EXPECT_NE(message(tap({{"fds", bad}})), "") << bad;
  EXPECT_NE(message(tap({{"fds", 4}})), "");
  EXPECT_NE(message(tap({{"fds", "a"}, {"vhostforce", true}, {"vhostfds", ""}})), "");
  EXPECT_EQ(message(tap({{"fds", "a:b"}, {"vhostforce", true}, {"vhostfds", "c"}})),
            "Network backend 'n0': there must be as many vhostfds (1) as fds (2)");
  EXPECT_NE(message(tap({{"vhostforce", true}, {"vhostfds", "c"}})), "");
  EXPECT_EQ(message(tap({{"fds", "a"}, {"vhost", true}})),
            "Network backend 'n0': vhost needs vhostforce: without it QEMU 7.2 aborts when vhost does not work on "
            "this host");
  EXPECT_NE(message(tap({{"fds", "a"}, {"vhostfds", "c"}})), "");
  EXPECT_NE(message(tap({{"fds", "a"}, {"vhost", "on"}})), "");
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

Value socket_arguments(Value data) {
  auto addr = Value::map({{"type", "unix"}, {"data", Value::map({{"path", "/s"}})}});
  auto all = Value::map({{"addr", std::move(addr)}});
  for (const auto& [key, value] : data.as_map()) all.set(key, value);
  return Value::map({{"id", "c0"}, {"backend", Value::map({{"type", "socket"}, {"data", std::move(all)}})}});
}

TEST(QmpChardevAdd, SaysWaitToServersAndReconnectToClients) {
  FakeQmpServer server{ready_script()
                           .expect("chardev-add", socket_arguments(Value::map({{"server", true}, {"wait", false}})))
                           .reply()
                           .expect("chardev-add", socket_arguments(Value::map({{"server", true}, {"wait", true}})))
                           .reply()
                           .expect("chardev-add", socket_arguments(Value::map({{"server", false}})))
                           .reply()
                           .expect("chardev-add", socket_arguments(Value::map({{"server", false}, {"reconnect", 2}})))
                           .reply()};
  const auto client = connect(server);
  chardev_add_socket(*client, "c0", {.path = "/s", .server = true}, plenty);
  chardev_add_socket(*client, "c0", {.path = "/s", .server = true, .wait = true}, plenty);
  chardev_add_socket(*client, "c0", {.path = "/s"}, plenty);
  chardev_add_socket(*client, "c0", {.path = "/s", .reconnect = 1001ms}, plenty);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpChardevAdd, SpellsReconnectAsTheVersionDoes) {
  const auto at = [](Version version) { return chardev_arguments("c0", {.path = "/s", .reconnect = 1001ms}, version); };
  EXPECT_EQ(at({9, 1, 9}), socket_arguments(Value::map({{"server", false}, {"reconnect", 2}})));
  EXPECT_EQ(at({9, 2, 0}), socket_arguments(Value::map({{"server", false}, {"reconnect-ms", 1001}})));
}

TEST(QmpChardevAdd, RefusesWhatDoesNotGoTogether) {
  const auto refused = [](const UnixSocketBackend& backend) {
    return code_of([&] { (void)chardev_arguments("c0", backend, {}); }) == Errc::invalid_config;
  };
  EXPECT_FALSE(refused({.path = "/s"}));
  EXPECT_TRUE(refused({.path = ""}));
  EXPECT_TRUE(refused({.path = "s"}));
  EXPECT_TRUE(refused({.path = "/s", .wait = true}));
  EXPECT_TRUE(refused({.path = "/s", .server = true, .reconnect = 1s}));
  EXPECT_TRUE(refused({.path = "/s", .reconnect = -1s}));
}

Value backend(const char* type, Value data) {
  return Value::map({{"id", "c0"}, {"backend", Value::map({{"type", type}, {"data", std::move(data)}})}});
}

TEST(QmpChardevAdd, MakesOtherBackends) {
  FakeQmpServer server{ready_script()
                           .expect("chardev-add", backend("pty", Value::map()))
                           .reply(Value::map({{"pty", "/dev/pts/7"}}))
                           .expect("chardev-add", backend("pty", Value::map()))
                           .reply()
                           .expect("chardev-add", backend("null", Value::map()))
                           .reply()
                           .expect("chardev-add", backend("ringbuf", Value::map({{"size", 4096}})))
                           .reply()
                           .expect("chardev-add", backend("file", Value::map({{"out", "/o"}, {"append", true}})))
                           .reply()};
  const auto client = connect(server);
  EXPECT_EQ(chardev_add_pty(*client, "c0", plenty), "/dev/pts/7");
  const auto error = error_of([&] { (void)chardev_add_pty(*client, "c0", plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message().find("The answer to chardev-add is not as documented: "), 0U);
  chardev_add_null(*client, "c0", plenty);
  chardev_add_ringbuf(*client, "c0", 4096, plenty);
  chardev_add_file(*client, "c0", "/o", plenty);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpFds, GoAlongWithTheirName) {
  FakeQmpServer server{ready_script()
                           .expect("getfd", named("fdname", "a"))
                           .reply()
                           .expect("add-fd", Value::map({{"fdset-id", 3}, {"opaque", "rw:/x"}}))
                           .reply(Value::map({{"fdset-id", 3}, {"fd", 16}}))
                           .expect("add-fd", Value::map())
                           .reply(Value::map({{"fdset-id", 4}, {"fd", 17}}))
                           .expect("remove-fd", Value::map({{"fdset-id", 3}, {"fd", 16}}))
                           .reply()
                           .expect("remove-fd", Value::map({{"fdset-id", 4}}))
                           .reply()};
  const auto client = connect(server);
  const UniqueFd fd{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  getfd(*client, "a", fd.get(), plenty);
  const auto entry = add_fd(*client, fd.get(), 3, "rw:/x", plenty);
  EXPECT_EQ(entry.fdset, 3U);
  EXPECT_EQ(entry.fd, 16);
  EXPECT_EQ(add_fd(*client, fd.get(), {}, {}, plenty).fdset, 4U);
  remove_fd(*client, 3, 16, plenty);
  remove_fd(*client, 4, {}, plenty);
  EXPECT_EQ(server.finish(), "");
  EXPECT_EQ(server.received_fds(), 3U);
}

TEST(QmpFds, RefusesNamesThatQemuReadsOtherwise) {
  FakeQmpServer server{ready_script().expect_end()};
  auto client = connect(server);
  for (const auto* bad : {"", "0", "7a", "a:b"}) {
    EXPECT_EQ(code_of([&] { getfd(*client, bad, 0, plenty); }), Errc::invalid_config) << bad;
  }
  EXPECT_EQ(code_of([&] { getfd(*client, "a", -1, plenty); }), Errc::invalid_config);
  EXPECT_EQ(code_of([&] { (void)add_fd(*client, -1, {}, {}, plenty); }), Errc::invalid_config);
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

}  // namespace
}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#include "sent_commands.hpp"
#include "visor/sdk/device/devices.hpp"
#include "visor/sdk/device/memory.hpp"
#include "visor/sdk/device/net.hpp"
#include "visor/sdk/qmp/commands/block.hpp"
#include "visor/sdk/qmp/commands/chardev.hpp"
#include "visor/sdk/qmp/commands/device.hpp"
#include "visor/sdk/qmp/commands/fd.hpp"
#include "visor/sdk/qmp/commands/net.hpp"
#include "visor/sdk/qmp/commands/object.hpp"
#include "visor/sdk/qmp/unplug.hpp"

#include <chrono>
#include <optional>

namespace visor::test {
namespace {

using namespace sdk::qmp;  // NOLINT(google-build-using-namespace): all of this file is about it
using namespace std::chrono_literals;

const CallContext limit{std::chrono::minutes{10}};
constexpr int any_fd = 0;  // stdin: the call duplicates it

std::vector<Sender> chardev_senders() {
  return {
      {"chardev_add_socket", [](Client& it) { chardev_add_socket(it, "c", {.path = "/s", .server = true}, limit); }},
      {"chardev_add_socket", [](Client& it) { chardev_add_socket(it, "c", {.path = "/s", .reconnect = 1s}, limit); }},
      {"chardev_add_pty", [](Client& it) { (void)chardev_add_pty(it, "c", limit); }},
      {"chardev_add_null", [](Client& it) { chardev_add_null(it, "c", limit); }},
      {"chardev_add_ringbuf", [](Client& it) { chardev_add_ringbuf(it, "c", 4096, limit); }},
      {"chardev_add_file", [](Client& it) { chardev_add_file(it, "c", "/f", limit); }},
      {"chardev_remove", [](Client& it) { chardev_remove(it, "c", limit); }},
  };
}

/// Commands whose arguments are what the device structs say.
std::vector<Sender> struct_senders() {
  std::vector<Sender> senders;
  const auto add = [&](const char* name, void (*send)(Client&, Value, const CallContext&), Value arguments) {
    senders.push_back({name, [=](Client& it) { send(it, arguments, limit); }});
  };
  sdk::VirtioBlk disk{.id = "d"};
  disk.backing.path = "/x";
  add("blockdev_add", blockdev_add, disk.node().to_value());
  disk.backing = {.path = "/x",
                  .format = "qcow2",
                  .host_device = true,
                  .read_only = true,
                  .cache_direct = true,
                  .cache_no_flush = true,
                  .discard = true,
                  .aio = "native"};
  add("blockdev_add", blockdev_add, disk.node().to_value());
  for (const auto kind : {sdk::MemoryKind::ram, sdk::MemoryKind::file, sdk::MemoryKind::memfd}) {
    sdk::MemoryBackend memory{.id = "m", .size_bytes = 1 << 20, .kind = kind};
    memory.path = kind == sdk::MemoryKind::file ? "/x" : "";
    memory.share = true;
    memory.prealloc = true;
    add("object_add", object_add, memory.properties().to_value());
  }
  sdk::Nvdimm nvdimm{.id = "n", .backend_id = "m", .path = "/x", .size_bytes = 1 << 20};
  add("object_add", object_add, nvdimm.backend().to_value());
  add("netdev_add", netdev_add, sdk::UserNetdev{.id = "u", .isolated = true}.properties().to_value());
  add("netdev_add", netdev_add, sdk::VhostUserNetdev{.id = "v", .chardev = "c", .queues = 2}.properties().to_value());
  add("netdev_add", netdev_add, sdk::TapNetdev{.id = "t", .ifname = "tap0", .queues = 2}.properties().to_value());
  sdk::TapNetdev tap{.id = "t"};
  tap.fds = {"a", "b"};
  tap.vhost = true;
  tap.vhost_fds = {"c", "d"};
  add("netdev_add", netdev_add, tap.properties().to_value());
  return senders;
}

Value raw_node() {
  const auto file = Value::map({{"driver", "file"}, {"filename", "/x"}});
  return Value::map({{"driver", "raw"}, {"node-name", "n"}, {"file", file}, {"read-only", true}});
}

}  // namespace

std::vector<Sender> plug_senders() {
  auto senders = chardev_senders();
  const std::vector<Sender> more = {
      {"blockdev_add", [](Client& it) { blockdev_add(it, raw_node(), limit); }},
      {"blockdev_del", [](Client& it) { blockdev_del(it, "n", limit); }},
      {"device_add", [](Client& it) { device_add(it, Value::map({{"driver", "nvdimm"}, {"id", "d"}}), limit); }},
      {"device_del", [](Client& it) { device_del(it, "d", limit); }},
      {"getfd", [](Client& it) { getfd(it, "f", any_fd, limit); }},
      {"closefd", [](Client& it) { closefd(it, "f", limit); }},
      {"add_fd", [](Client& it) { (void)add_fd(it, any_fd, std::nullopt, "", limit); }},
      {"add_fd", [](Client& it) { (void)add_fd(it, any_fd, 1, "text", limit); }},
      {"remove_fd", [](Client& it) { remove_fd(it, 1, std::nullopt, limit); }},
      {"remove_fd", [](Client& it) { remove_fd(it, 1, 2, limit); }},
      {"netdev_add", [](Client& it) { netdev_add(it, Value::map({{"type", "user"}, {"id", "n"}}), limit); }},
      {"netdev_del", [](Client& it) { netdev_del(it, "n", limit); }},
      {"object_add", [](Client& it) { object_add(it, Value::map({{"qom-type", "iothread"}, {"id", "o"}}), limit); }},
      {"object_del", [](Client& it) { object_del(it, "o", limit); }},
      {"unplug", [](Client& it) { (void)unplug(it, "d", 300ms); }},
  };
  senders.insert(senders.end(), more.begin(), more.end());
  const auto structs = struct_senders();
  senders.insert(senders.end(), structs.begin(), structs.end());
  return senders;
}

}  // namespace visor::test

// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/commands/chardev.hpp"

#include "arguments.hpp"
#include "qmp/answer.hpp"

namespace visor::sdk::qmp {
namespace {

void check(const std::string& id, const UnixSocketBackend& backend) {
  const auto refuse = [&](const char* why) {
    throw Error(Errc::invalid_config, "Character device '" + id + "': " + why);
  };
  if (backend.path.empty() || backend.path.front() != '/') refuse("the path of its socket must be absolute");
  if (backend.wait && !backend.server) refuse("only one that listens can wait for its peer");
  if (backend.reconnect.count() < 0) refuse("the time until it connects again must not be negative");
  if (backend.reconnect.count() > 0 && backend.server) refuse("only one that connects can connect again");
}

Value add(Client& client, const std::string& id, const std::string& type, Value data, const CallContext& call) {
  return client.execute("chardev-add", chardev_arguments(id, type, std::move(data)), call);
}

}  // namespace

Value chardev_arguments(const std::string& id, const std::string& type, Value data) {
  return Value::map({{"id", id}, {"backend", Value::map({{"type", type}, {"data", std::move(data)}})}});
}

Value chardev_arguments(const std::string& id, const UnixSocketBackend& backend, const Version& version) {
  check(id, backend);
  auto data = Value::map({{"addr", Value::map({{"type", "unix"}, {"data", Value::map({{"path", backend.path}})}})},
                          {"server", backend.server}});
  if (backend.server) data.set("wait", backend.wait);
  if (backend.reconnect.count() > 0) {
    if (version < Version{9, 2, 0}) {
      data.set("reconnect", std::chrono::ceil<std::chrono::seconds>(backend.reconnect).count());
    } else {
      data.set("reconnect-ms", backend.reconnect.count());
    }
  }
  return chardev_arguments(id, "socket", std::move(data));
}

void chardev_add_socket(Client& client, const std::string& id, const UnixSocketBackend& backend,
                        const CallContext& call) {
  (void)client.execute("chardev-add", chardev_arguments(id, backend, client.version()), call);
}

std::string chardev_add_pty(Client& client, const std::string& id, const CallContext& call) {
  const auto value = add(client, id, "pty", Value::map(), call);
  return Answer{"chardev-add", value}.text("pty");
}

void chardev_add_null(Client& client, const std::string& id, const CallContext& call) {
  (void)add(client, id, "null", Value::map(), call);
}

void chardev_add_ringbuf(Client& client, const std::string& id, std::uint64_t size_bytes, const CallContext& call) {
  (void)add(client, id, "ringbuf", Value::map({{"size", size_bytes}}), call);
}

void chardev_add_file(Client& client, const std::string& id, const std::string& path, const CallContext& call) {
  (void)add(client, id, "file", Value::map({{"out", path}, {"append", true}}), call);
}

void chardev_remove(Client& client, const std::string& id, const CallContext& call) {
  run_on(client, "chardev-remove", "id", id, call);
}

}  // namespace visor::sdk::qmp

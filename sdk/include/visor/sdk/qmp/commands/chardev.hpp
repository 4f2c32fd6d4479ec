// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/value.hpp"
#include "visor/sdk/export.h"
#include "visor/sdk/qmp/types.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace visor::sdk::qmp {

class Client;

/// A character device on a Unix socket.
struct UnixSocketBackend {
  std::string path;
  bool server = false;                     ///< QEMU listens there; else it connects, and somebody must listen already
  bool wait = false;                       ///< with server: adding it blocks all of QEMU until a peer has come
  std::chrono::milliseconds reconnect{0};  ///< without server: tries again after this time when the peer is lost
};

/// The arguments of chardev-add for any kind of backend: `type` is QEMU's name of it, `data` its own members.
VISOR_SDK_EXPORT Value chardev_arguments(const std::string& id, const std::string& type, Value data);
/// The same for a Unix socket, as this version of QEMU spells it: it knows "reconnect" in whole seconds (rounded up
/// here), from 9.2 on "reconnect-ms" (by its documentation). Throws invalid_config, naming the device, for a path that
/// is not absolute, `wait` without `server` and `reconnect` with it.
VISOR_SDK_EXPORT Value chardev_arguments(const std::string& id, const UnixSocketBackend& backend,
                                         const Version& version);

/// Character devices. [any thread] [blocks] Deadlines and errors as Client::call().
VISOR_SDK_EXPORT void chardev_add_socket(Client& client, const std::string& id, const UnixSocketBackend& backend,
                                         const CallContext& call);
/// Makes a pseudo terminal; returns the path of its other end ("/dev/pts/0").
VISOR_SDK_EXPORT std::string chardev_add_pty(Client& client, const std::string& id, const CallContext& call);
/// Takes all and gives nothing.
VISOR_SDK_EXPORT void chardev_add_null(Client& client, const std::string& id, const CallContext& call);
/// Keeps the last bytes in memory. The size must be a power of two.
VISOR_SDK_EXPORT void chardev_add_ringbuf(Client& client, const std::string& id, std::uint64_t size_bytes,
                                          const CallContext& call);
/// Appends what comes to a file, which QEMU makes when it is absent.
VISOR_SDK_EXPORT void chardev_add_file(Client& client, const std::string& id, const std::string& path,
                                       const CallContext& call);
/// Removes one that no device uses. QEMU unlinks the socket on which it listened.
VISOR_SDK_EXPORT void chardev_remove(Client& client, const std::string& id, const CallContext& call);

}  // namespace visor::sdk::qmp

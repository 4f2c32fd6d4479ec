// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/unique_fd.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <string_view>

/// Unix sockets without exceptions. Shared by the keeper and its clients.
namespace visor::sdk::wire {

struct SocketResult {
  UniqueFd fd;
  int error = 0;  ///< errno value; 0 when fd is good
};

/// A non-blocking CLOEXEC connection. EAGAIN: the listener's queue is full, try again. [does not block]
SocketResult connect_unix(std::string_view path, int type);

/// A non-blocking CLOEXEC listener whose file has mode 0600 from its first moment, whatever the umask.
SocketResult listen_unix(std::string_view path, int type);

/// Who made the connection; pid 0 when the kernel cannot say.
ucred peer_of(int fd);
/// Only the same user and root may talk to a keeper, or pretend to be one.
bool peer_trusted(int fd);

}  // namespace visor::sdk::wire

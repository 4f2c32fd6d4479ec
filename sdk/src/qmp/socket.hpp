// SPDX-License-Identifier: Apache-2.0
// The system calls of a QMP connection.
#pragma once
#include "outbox.hpp"
#include "visor/core/call.hpp"
#include "visor/core/unique_fd.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace visor::sdk::qmp {

struct Transferred {
  std::size_t bytes = 0;
  int error = 0;  ///< errno value; EAGAIN when it would block
};

/// Neither blocks, whatever the mode of the socket, nor raises SIGPIPE.
Transferred send_batch(int socket, const Outbox::Batch& batch) noexcept;
/// 0 bytes and no error: the peer has closed.
Transferred receive_bytes(int socket, std::span<char> buffer) noexcept;

/// A connection to a listening socket. [blocks] while the listener's queue is full. Throws as Client::connect().
UniqueFd connect_to(const std::string& path, const std::string& peer, const CallContext& call);
/// Throws invalid_config unless this is a unix stream socket; makes it close-on-exec.
void check_socket(int socket);

}  // namespace visor::sdk::qmp

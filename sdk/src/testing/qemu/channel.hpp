// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "command_line.hpp"
#include "testing/json_stream.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/core/value.hpp"

#include <string>

namespace visor::testing {

/// One end of a -chardev: a socket that listens, with one client at a time.
struct Channel {
  std::string id;
  std::string path;  // of the socket, when it is of our making
  UniqueFd listener;
  UniqueFd client;
  bool monitor = false;
  bool console = false;
  bool negotiated = false;
  JsonStream input;

  /// An inherited descriptor is a listener, or a client that is connected already.
  explicit Channel(const SocketOption& option);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  /// Removes the socket's file, as QEMU does.
  ~Channel();

  void close();
  void write(const std::string& text) const;
  void send(const Value& object) const;
  /// Reads what is there, and the last descriptor that came with it; false when the client has gone.
  bool read(UniqueFd& fd);
  [[nodiscard]] int polled() const noexcept { return client ? client.get() : listener.get(); }
};

}  // namespace visor::testing

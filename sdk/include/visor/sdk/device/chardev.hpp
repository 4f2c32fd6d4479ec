// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/sdk/device/command_line.hpp"
#include "visor/sdk/device/property_bag.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <optional>
#include <string>

namespace visor::sdk {

/// Where the bytes of a character device go.
enum class ChardevBackend : std::uint8_t {
  socket,    ///< a Unix socket by its path or descriptor, or TCP
  pipe,      ///< path, or path.in and path.out, which must be there
  file,      ///< what the guest writes
  pty,       ///< a new pseudo-terminal; its path is what QMP tells
  stdio,     ///< QEMU's own input and output
  null,      ///< nowhere
  serial,    ///< a serial port of the host
  parallel,  ///< a parallel port of the host
  ringbuf,   ///< memory, which QMP can read
  console,   ///< refused: QEMU has it for Windows alone
  tty,       ///< refused: an old name of serial
  parport,   ///< refused: an old name of parallel
};

/// A character device. SocketChardev is the short form of the one that the driver uses: a listening socket by
/// descriptor.
struct VISOR_SDK_EXPORT Chardev {
  std::string id;
  ChardevBackend backend = ChardevBackend::socket;
  std::string path = {};             ///< socket: of at most 107 bytes; pipe, file, serial, parallel
  std::string fd = {};               ///< socket: a descriptor instead, of a listening socket with `server`
  std::string host = {};             ///< socket: TCP instead, with port
  std::uint16_t port = 0;            ///< socket: of TCP
  bool server = false;               ///< socket: QEMU listens
  bool wait = false;                 ///< socket: a server does not begin before somebody has connected
  std::uint32_t reconnect_s = 0;     ///< socket: a client tries again after that many seconds; 0: never
  bool append = false;               ///< file: keeps what is in it
  std::optional<bool> signals = {};  ///< stdio: Ctrl-C ends QEMU
  std::uint64_t ring_bytes = 0;      ///< ringbuf: a power of two; 0: 64 KiB
  bool mux = false;                  ///< several devices and a monitor share it
  std::string log_path = {};         ///< all output is written there as well
  bool log_append = false;           ///< and what is there stays
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;  ///< for -chardev alone; QMP's chardev-add has another shape
};

/// A socket on which QEMU speaks QMP: a Chardev and a Monitor.
struct VISOR_SDK_EXPORT QmpSocket {
  std::string id;
  std::string path = {};  ///< a Unix socket; or
  std::string fd = {};    ///< a listening one that QEMU inherits; QEMU removes its path when it ends
  bool server = true;     ///< QEMU listens
  bool wait = false;      ///< it does not begin before somebody has connected
  bool pretty = false;    ///< with line breaks
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/sdk/device/command_line.hpp"
#include "visor/sdk/device/property_bag.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <optional>
#include <string>

/// What a guest begins with: kernel, firmware and data for them, or the state of another VM.
namespace visor::sdk {

/// A kernel that QEMU loads by itself. None of these is a list for QEMU: commas stay as they are.
struct VISOR_SDK_EXPORT Kernel {
  std::string path;
  std::string initrd = {};
  std::string params = {};
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

/// The firmware as one file.
struct VISOR_SDK_EXPORT Bios {
  std::string path;
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

/// A flash chip with firmware or its variables; the first one rendered is the first of the machine.
struct VISOR_SDK_EXPORT Pflash {
  std::string path;
  bool read_only = false;
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

/// A file in QEMU's firmware configuration, which the guest reads by name. s390x and pseries have none.
struct VISOR_SDK_EXPORT FwCfg {
  std::string name;       ///< begins with "opt/"; at most 55 bytes
  std::string file = {};  ///< its content; or
  std::string text = {};
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

/// Puts a file, or a few bytes, into the guest's memory before it begins.
struct VISOR_SDK_EXPORT Loader {
  std::string id;
  std::string file = {};  ///< ELF, uImage or another format that says where it goes; or with address
  std::optional<std::uint64_t> address = {};
  std::optional<std::uint64_t> data = {};  ///< instead of a file: data_bytes of it, at address
  std::uint16_t data_bytes = 0;            ///< 1 to 8
  bool data_big_endian = false;
  bool raw = false;                       ///< the file is taken as it is, whatever its format
  std::optional<std::uint32_t> cpu = {};  ///< the vCPU that begins there
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

enum class IncomingKind : std::uint8_t {
  defer,  ///< QMP says later where from (receive_migration()); capabilities can be set before
  fd,     ///< a descriptor that QEMU inherits; a number that is not open is not noticed, and the VM waits for ever
  unix_socket,  ///< listens on a Unix socket
  tcp,          ///< listens on a port
  exec,         ///< refused: QEMU would run a shell
};

/// Where the state comes from that a VM begins with.
struct VISOR_SDK_EXPORT Incoming {
  IncomingKind kind = IncomingKind::defer;
  std::string fd = {};
  std::string path = {};     ///< unix
  std::string host = {};     ///< tcp: the address to listen on; empty: all
  std::uint16_t port = 0;    ///< tcp
  std::string command = {};  ///< exec
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

}  // namespace visor::sdk

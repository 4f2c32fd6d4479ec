// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/sdk/device/command_line.hpp"
#include "visor/sdk/device/place.hpp"
#include "visor/sdk/device/property_bag.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <optional>
#include <string>

namespace visor::sdk {

enum class SerialCard : std::uint8_t {
  isa,  ///< of a PC
  pci,
};

/// A serial port (16550A) of its own device. The machine's first console is a SerialConsole.
struct VISOR_SDK_EXPORT SerialPort {
  std::string id;
  SerialCard kind = SerialCard::isa;
  std::string chardev = {};
  std::optional<std::uint32_t> index = {};    ///< isa: ttyS<index> of a PC, which sets the two below
  std::optional<std::uint32_t> io_base = {};  ///< isa: the first I/O port
  std::optional<std::uint32_t> irq = {};      ///< isa
  Place place = {};                           ///< pci
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/serial.hpp"

#include "table.hpp"

namespace visor::sdk {

const DeviceTable& SerialPort::describe() {
  using D = SerialPort;
  constexpr auto isa = variants_of(SerialCard::isa);
  static const DeviceTable table =
      TableBuilder<D>("SerialPort", "Serial port", "A serial port of its own device.")
          .by<&D::kind>({{"isa", "isa-serial", on_pci, ""}, {"pci", "pci-serial", on_pci, ""}})
          .with({
              id_field<&D::id>(),
              reference<&D::chardev>("chardev", "chardev", "Where its data goes.").needed(),
              field<&D::index>("index", "index", "Which of a PC's ports it is.").range(0, 3).only(isa),
              field<&D::io_base>("io_base", "iobase", "The first I/O port.").range(0, 0xfff8).only(isa),
              field<&D::irq>("irq", "irq", "Its interrupt.").range(0, 15).only(isa),
          })
          .placed<&D::place>(variants_of(SerialCard::pci));
  return table;
}

void SerialPort::validate() const { check_fields(describe(), this); }

PropertyBag SerialPort::properties() const { return properties_of(describe(), this); }

void SerialPort::render(CommandLine& line) const { render_fields(describe(), this, line); }

}  // namespace visor::sdk

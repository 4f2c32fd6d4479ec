// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/devices.hpp"

#include "table.hpp"
#include "visor/core/error.hpp"

namespace visor::sdk {
namespace {

bool is_named(const VirtioPort& port) { return !port.name.empty(); }
bool is_on_pci(const PanicDevice& panic) { return panic.driver == "pvpanic-pci"; }
std::optional<PropertyBag::Property> source_of(const VirtioRng& rng) { return rng.id + "-source"; }

}  // namespace

const DeviceTable& SocketChardev::describe() {
  using D = SocketChardev;
  static const DeviceTable table =
      TableBuilder<D>("SocketChardev", "Character device", "A listening Unix socket that QEMU inherits.")
          .told_by(DeviceOption::chardev, "-chardev")
          .is("socket")
          .with({
              id_field<&D::id>(),
              field<&D::fd>("fd", "fd", "The number of the listening socket in QEMU's process.")
                  .as(FieldType::number)
                  .needed(),
          });
  return table;
}

void SocketChardev::validate() const { check_fields(describe(), this); }

void SocketChardev::render(CommandLine& line) const {
  line.add("-chardev", properties_of(describe(), this).set("server", true).set("wait", false));
}

const DeviceTable& Monitor::describe() {
  using D = Monitor;
  static const DeviceTable table =
      TableBuilder<D>("Monitor", "Monitor", "A monitor on a character device.")
          .told_by(DeviceOption::keyval, "-mon")
          .with({
              reference<&D::chardev>("chardev", "chardev", "What it speaks through.").needed(),
              field<&D::mode>("mode", "mode", "QMP, or the monitor for people.").of({"control", "readline"}).said(),
              id_field<&D::id>(),
              field<&D::pretty>("pretty", "pretty", "QMP with line breaks."),
          });
  return table;
}

void Monitor::validate() const { check_fields(describe(), this); }

void Monitor::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& VirtioSerial::describe() {
  using D = VirtioSerial;
  // qemu: hw/char/virtio-serial-bus.c: two queues a port, and two for control
  static const DeviceTable table =
      TableBuilder<D>("VirtioSerial", "Serial bus", "The bus that virtio ports and consoles sit on.")
          .is_virtio("virtio-serial")
          .with({
              id_field<&D::id>(),
              field<&D::max_ports>("max_ports", "max_ports", "How many ports it takes.").range(1, 511).in("ports"),
          })
          .placed<&D::place>();
  return table;
}

void VirtioSerial::validate() const { check_fields(describe(), this); }

PropertyBag VirtioSerial::properties() const { return properties_of(describe(), this); }

void VirtioSerial::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& VirtioPort::describe() {
  using D = VirtioPort;
  static const DeviceTable table =
      TableBuilder<D>("VirtioPort", "Serial port", "A named channel, or a console when it has no name.")
          .by<is_named>({{"a console", "virtconsole", on_all, ""}, {"a channel", "virtserialport", on_all, ""}})
          .with({
              id_field<&D::id>(),
              field<&D::bus>("bus", "bus", "The bus of its VirtioSerial (\"serial0.0\").").as(FieldType::bus),
              reference<&D::chardev>("chardev", "chardev", "Where its data goes.").needed(),
              field<&D::name>("name", "name", "What the guest finds the port by.").only(2),
              field<&D::number>("number", "nr", "Its number on the bus.").range(0, 510),
          });
  return table;
}

void VirtioPort::validate() const { check_fields(describe(), this); }

PropertyBag VirtioPort::properties() const { return properties_of(describe(), this); }

void VirtioPort::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& SerialConsole::describe() {
  using D = SerialConsole;
  static const DeviceTable table =
      TableBuilder<D>("SerialConsole", "Serial console", "The machine's own serial console.")
          .by<&D::kind>(
              {{"uart", "", on_all, ""}, {"spapr_vty", "spapr-vty", on_pci, ""}, {"sclp", "sclpconsole", on_ccw, ""}})
          .with({reference<&D::chardev>("chardev", "chardev", "Where its data goes.").needed()});
  return table;
}

void SerialConsole::validate() const { check_fields(describe(), this); }

void SerialConsole::render(CommandLine& line) const {
  if (kind == SerialKind::uart) return line.plain("-serial", "chardev:" + chardev);  // it has no -device of its own
  auto bag = properties_of(describe(), this);
  if (kind == SerialKind::spapr_vty) bag.set("reg", "0x30000000");
  line.add("-device", bag);
}

const DeviceTable& Nvdimm::describe() {
  using D = Nvdimm;
  static const DeviceTable table =
      TableBuilder<D>("Nvdimm", "Non-volatile memory", "A file as non-volatile memory.")
          .is("nvdimm")
          .with({
              id_field<&D::id>(),
              reference<&D::backend_id>("backend_id", "memdev", "What its backend is called.").needed(),
              field<&D::read_only>("read_only", "unarmed", "The guest cannot write.").said(),
              path_field<&D::path>("path", "", "The file.").needed(),
              field<&D::size_bytes>("size_bytes", "", "The file's size.").range(1, ~0ULL).in("bytes").needed(),
              field<&D::share>("share", "", "What the guest writes reaches the file."),
              field<&D::pmem>("pmem", "", "The file lies in persistent memory."),
              field<&D::label_bytes>("label_bytes", "label-size", "Room for labels at the file's end.")
                  .range(128 << 10, ~0ULL)  // qemu: hw/mem/nvdimm.c, MIN_NAMESPACE_LABEL_SIZE
                  .in("bytes"),
              field<&D::slot>("slot", "slot", "Its slot; not set: QEMU's choice.").range(0, 255),
              field<&D::node>("node", "node", "The NUMA node.").range(0, 127),
              field<&D::address>("address", "addr", "In the guest's physical memory; not set: QEMU's choice."),
          });
  return table;
}

void Nvdimm::validate() const {
  check_fields(describe(), this);
  if (label_bytes >= size_bytes) refuse_device(describe(), this, "label_bytes must be less than size_bytes");
}

PropertyBag Nvdimm::backend() const {
  auto bag = PropertyBag::object("memory-backend-file")
                 .set("id", backend_id)
                 .set("mem-path", path)
                 .set("size", size_bytes)
                 .set("share", share)
                 .set("readonly", read_only);
  return pmem ? bag.set("pmem", *pmem) : bag;
}

PropertyBag Nvdimm::properties() const { return properties_of(describe(), this); }

void Nvdimm::render(CommandLine& line) const {
  line.add("-object", backend());
  line.add("-device", properties());
}

const DeviceTable& PanicDevice::describe() {
  using D = PanicDevice;
  static const DeviceTable table =
      TableBuilder<D>("PanicDevice", "Panic device", "The device through which a guest reports a panic.")
          .by<is_on_pci>({{"pvpanic", "pvpanic", on_pci, ""}, {"pvpanic-pci", "pvpanic-pci", on_pci, ""}})
          .with({
              id_field<&D::id>(),
              field<&D::driver>("driver", "", "Which of QEMU's it is.").of({"pvpanic", "pvpanic-pci"}),
          })
          .placed<&D::place>(2);
  return table;
}

void PanicDevice::validate() const {
  if (driver.empty()) throw Error(Errc::unsupported, "Panic device '" + id + "': this machine has no panic device");
  check_fields(describe(), this);
}

PropertyBag PanicDevice::properties() const { return properties_of(describe(), this); }

void PanicDevice::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& VirtioRng::describe() {
  using D = VirtioRng;
  static const DeviceTable table =
      TableBuilder<D>("VirtioRng", "Random number generator", "An entropy source for the guest.")
          .is_virtio("virtio-rng")
          .with({
              id_field<&D::id>(),
              computed<D, source_of>("rng", "The object that reads the source, called after it."),
              path_field<&D::source>("source", "", "What is read.").needed(),
              field<&D::max_bytes>("max_bytes", "max-bytes", "How much a period.").in("bytes"),
              field<&D::period_ms>("period_ms", "period", "The period of max_bytes; QEMU has one of its own.").in("ms"),
          })
          .placed<&D::place>();
  return table;
}

void VirtioRng::validate() const {
  check_fields(describe(), this);
  if (max_bytes == 0 && period_ms != 0) {
    refuse_device(describe(), this, "period_ms is that of max_bytes; set max_bytes as well");
  }
}

PropertyBag VirtioRng::properties() const { return properties_of(describe(), this); }

void VirtioRng::render(CommandLine& line) const {
  line.add("-object", PropertyBag::object("rng-random").set("id", id + "-source").set("filename", source));
  line.add("-device", properties());
}

}  // namespace visor::sdk

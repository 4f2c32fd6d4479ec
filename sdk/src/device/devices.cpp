// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/devices.hpp"

#include "check.hpp"

namespace visor::sdk {
namespace {

constexpr std::size_t max_disk_serial = 20;     // virtio 1.1, 5.2.6: VIRTIO_BLK_ID_BYTES
constexpr std::uint32_t max_virtqueues = 1024;  // qemu: VIRTIO_QUEUE_MAX

bool is_block_size(std::uint32_t size) {
  return size == 0 || (size >= 512 && size <= 65536 && (size & (size - 1)) == 0);
}

}  // namespace

std::string virtio_driver(std::string_view base, VirtioTransport transport) {
  switch (transport) {
    case VirtioTransport::pci:
      return std::string{base} + "-pci";
    case VirtioTransport::ccw:
      return std::string{base} + "-ccw";
    case VirtioTransport::mmio:
      return std::string{base} + "-device";
  }
  throw Error(Errc::internal, "Unknown virtio transport");
}

void SocketChardev::validate() const {
  check_id("Character device", id);
  if (fd < 0) refuse("Character device", id, "no descriptor");
}

void SocketChardev::render(CommandLine& line) const {
  line.add("-chardev", PropertyBag::chardev("socket")
                           .set("id", id)
                           .set("fd", static_cast<std::uint64_t>(fd))
                           .set("server", true)
                           .set("wait", false));
}

void Monitor::validate() const { check_id("Monitor", id); }

void Monitor::render(CommandLine& line) const {
  line.add("-mon", PropertyBag::keys().set("chardev", chardev).set("mode", "control").set("id", id));
}

void VirtioSerial::validate() const { check_id("Serial bus", id); }

PropertyBag VirtioSerial::properties() const {
  return PropertyBag::device(virtio_driver("virtio-serial", transport)).set("id", id);
}

void VirtioSerial::render(CommandLine& line) const { line.add("-device", properties()); }

void VirtioPort::validate() const {
  check_id("Serial port", id);
  if (chardev.empty()) refuse("Serial port", id, "no character device");
}

PropertyBag VirtioPort::properties() const {
  return PropertyBag::device(name.empty() ? "virtconsole" : "virtserialport")
      .set("id", id)
      .set("bus", bus)
      .set("chardev", chardev)
      .set_if("name", name);
}

void VirtioPort::render(CommandLine& line) const { line.add("-device", properties()); }

void SerialConsole::validate() const {
  if (chardev.empty()) refuse("Serial console", chardev, "no character device");
}

void SerialConsole::render(CommandLine& line) const {
  switch (kind) {
    case SerialKind::uart:
      line.plain("-serial", "chardev:" + chardev);
      return;
    case SerialKind::spapr_vty:
      line.add("-device", PropertyBag::device("spapr-vty").set("chardev", chardev).set("reg", "0x30000000"));
      return;
    case SerialKind::sclp:
      line.add("-device", PropertyBag::device("sclpconsole").set("chardev", chardev));
      return;
  }
}

std::string VirtioBlk::node_name() const { return BlockNode::name_of(id); }

void VirtioBlk::validate() const {
  backing.validate(id);
  if (serial.size() > max_disk_serial) refuse("Disk", id, "the serial must not be longer than 20 bytes");
  if (!is_block_size(logical_block_size_bytes) || !is_block_size(physical_block_size_bytes)) {
    refuse("Disk", id, "block sizes must be powers of two from 512 to 65536 bytes");
  }
  if (physical_block_size_bytes != 0 && logical_block_size_bytes > physical_block_size_bytes) {
    refuse("Disk", id, "the logical block size must not be larger than the physical one");
  }
  if (num_queues > max_virtqueues) refuse("Disk", id, "num_queues must not be above 1024");
  place.check("Disk", id, transport);
}

PropertyBag VirtioBlk::node() const { return backing.properties(id); }

PropertyBag VirtioBlk::properties() const {
  auto bag = PropertyBag::device(virtio_driver("virtio-blk", transport));
  bag.set("id", id).set("drive", node_name()).set_if("serial", serial).set_if("iothread", iothread);
  if (share_rw) bag.set("share-rw", true);
  if (logical_block_size_bytes != 0) bag.set("logical_block_size", std::uint64_t{logical_block_size_bytes});
  if (physical_block_size_bytes != 0) bag.set("physical_block_size", std::uint64_t{physical_block_size_bytes});
  if (num_queues != 0) bag.set("num-queues", std::uint64_t{num_queues});
  place.add_to(bag);
  return bag;
}

void VirtioBlk::render(CommandLine& line) const {
  line.add("-blockdev", node());
  line.add("-device", properties());
}

void Nvdimm::validate() const {
  check_id("Non-volatile memory", id);
  check_id("Memory backend", backend_id);
  if (path.empty() || path.front() != '/') refuse("Non-volatile memory", id, "the path must be absolute");
  if (size_bytes == 0) refuse("Non-volatile memory", id, "the file must not be empty");
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

PropertyBag Nvdimm::properties() const {
  return PropertyBag::device("nvdimm").set("id", id).set("memdev", backend_id).set("unarmed", read_only);
}

void Nvdimm::render(CommandLine& line) const {
  line.add("-object", backend());
  line.add("-device", properties());
}

void PanicDevice::validate() const {
  check_id("Panic device", id);
  if (driver.empty()) throw Error(Errc::unsupported, "Panic device '" + id + "': this machine has no panic device");
}

void PanicDevice::render(CommandLine& line) const { line.add("-device", PropertyBag::device(driver).set("id", id)); }

void VirtioRng::validate() const {
  check_id("Random number generator", id);
  if (source.empty() || source.front() != '/') {
    refuse("Random number generator", id, "the source must be an absolute path");
  }
  if ((max_bytes == 0) != (period_ms == 0)) {
    refuse("Random number generator", id, "max_bytes and period_ms go together");
  }
}

PropertyBag VirtioRng::properties() const {
  auto bag = PropertyBag::device(virtio_driver("virtio-rng", transport));
  bag.set("id", id).set("rng", id + "-source");
  if (max_bytes != 0) bag.set("max-bytes", max_bytes).set("period", std::uint64_t{period_ms});
  return bag;
}

void VirtioRng::render(CommandLine& line) const {
  line.add("-object", PropertyBag::object("rng-random").set("id", id + "-source").set("filename", source));
  line.add("-device", properties());
}

}  // namespace visor::sdk

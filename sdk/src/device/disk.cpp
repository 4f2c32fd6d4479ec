// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/disk.hpp"

#include "table.hpp"
#include "visor/sdk/device/devices.hpp"

namespace visor::sdk {
namespace {

constexpr std::size_t longest_disk_id = 31 - 5;  // qemu: block.c, BDS node_name[32], of which "node-" is ours
constexpr std::size_t longest_serial = 20;       // virtio 1.1, 5.2.6: VIRTIO_BLK_ID_BYTES
constexpr std::uint32_t max_virtqueues = 1024;   // qemu: VIRTIO_QUEUE_MAX
constexpr std::uint32_t max_queue_size = 1024;   // qemu: VIRTQUEUE_MAX_SIZE

template <class Disk>
std::optional<PropertyBag::Property> drive_of(const Disk& disk) {
  return disk.node_name();
}

/// The block node of a disk, whose id names it in errors.
struct NamedNode {
  std::string id;
  BlockNode node = {};
};

template <auto... To>
std::vector<DeviceField> node_fields() {
  using N = BlockNode;
  return {
      field<To..., &N::format>("format", "driver", "The format of the image.").of({"raw", "qcow2"}).said(),
      path_field<To..., &N::path>("path", "file.filename", "The image, or the block device.").needed(),
      field<To..., &N::host_device>("host_device", "file.driver", "The path is a block device, not a file."),
      field<To..., &N::read_only>("read_only", "read-only", "Nobody writes to it.").said(),
      field<To..., &N::cache_direct>("cache_direct", "cache.direct", "Passes by the host's page cache."),
      field<To..., &N::cache_no_flush>("cache_no_flush", "cache.no-flush", "The guest's flushes do nothing."),
      field<To..., &N::discard>("discard", "discard", "What the guest discards is given back."),
      field<To..., &N::aio>("aio", "file.aio", "How the host reads and writes; native needs cache_direct.")
          .of({"threads", "native", "io_uring"})
          .said(),
      field<To..., &N::interface>("interface", "", "What -drive calls so; a node has a device of its own instead.")
          .of({"none", "scsi"})
          .no("scsi", "no machine of QEMU 7.2 has that; put a ScsiDisk on a ScsiController"),
  };
}

const DeviceTable& named_node() {
  static const DeviceTable table = [] {
    auto fields = node_fields<&NamedNode::node>();
    fields.push_back(id_field<&NamedNode::id>().longest(longest_disk_id));
    return TableBuilder<NamedNode>("NamedNode", "Disk", "").with(std::move(fields));
  }();
  return table;
}

/// The node's fields and the disk's own.
template <class Disk>
void check_disk(const Disk& disk) {
  const NamedNode named{disk.id, disk.backing};
  check_fields({{&named_node(), &named}, {&Disk::describe(), &disk}});
  disk.backing.validate(disk.id);  // rules between its fields
}

}  // namespace

std::string BlockNode::name_of(const std::string& disk) { return "node-" + disk; }

const DeviceTable& BlockNode::describe() {
  static const DeviceTable table =
      TableBuilder<BlockNode>("BlockNode", "Disk", "The block node of a disk, called after it. Its options nest.")
          .told_by(DeviceOption::blockdev, "-blockdev")
          .with(node_fields<>());
  return table;
}

void BlockNode::validate(const std::string& disk) const {
  const NamedNode named{disk, *this};
  check_fields(named_node(), &named);
  if (aio == "native" && !cache_direct) refuse_device(named_node(), &named, "aio native needs cache_direct");
}

// Options nest, and some are said to the format and to the protocol below it: no table tells that.
PropertyBag BlockNode::properties(const std::string& disk) const {
  auto bag = PropertyBag::block(format);
  bag.set("node-name", name_of(disk)).set("read-only", read_only);
  if (discard) bag.set("discard", "unmap");
  bag.set("file.driver", host_device ? "host_device" : "file").set("file.filename", path).set("file.aio", aio);
  if (cache_direct) bag.set("file.cache.direct", true).set("cache.direct", true);
  if (cache_no_flush) bag.set("cache.no-flush", true);
  if (discard) bag.set("file.discard", "unmap");
  return bag;
}

const DeviceTable& VirtioBlk::describe() {
  using D = VirtioBlk;
  static const DeviceTable table =
      TableBuilder<D>("VirtioBlk", "Disk", "A virtio disk with its block node.")
          .is_virtio("virtio-blk")
          .with({
              id_field<&D::id>().longest(longest_disk_id),
              computed<D, drive_of<D>>("drive", "Its block node."),
              field<&D::serial>("serial", "serial", "What the guest reads as its serial number.")
                  .longest(longest_serial),
              reference<&D::iothread>("iothread", "iothread", "The thread that serves it; not set: QEMU's main loop."),
              field<&D::share_rw>("share_rw", "share-rw", "Others may write to the image at the same time."),
              field<&D::logical_block_size_bytes>("logical_block_size_bytes", "logical_block_size",
                                                  "The smallest unit.")
                  .range(512, 65536)
                  .powers()
                  .in("bytes"),
              field<&D::physical_block_size_bytes>("physical_block_size_bytes", "physical_block_size",
                                                   "The unit that is fast.")
                  .range(512, 65536)
                  .powers()
                  .in("bytes"),
              field<&D::num_queues>("num_queues", "num-queues", "Request queues; not set: one a vCPU.")
                  .range(1, max_virtqueues)
                  .in("queues"),
              field<&D::queue_size>("queue_size", "queue-size", "Requests that a queue takes.")
                  .range(4, max_queue_size)
                  .powers()
                  .in("requests"),
              field<&D::write_cache_config>("write_cache_config", "config-wce",
                                            "Whether the guest may turn the write cache on and off."),
              field<&D::boot_index>("boot_index", "bootindex", "Firmware tries low numbers first.")
                  .range(0, 0x7fffffff),
              field<&D::scsi>("scsi", "", "Passes SCSI commands on.")
                  .no("QEMU 9.1 has it no longer; a ScsiDisk of driver block passes them on"),
          })
          .placed<&D::place>();
  return table;
}

std::string VirtioBlk::node_name() const { return BlockNode::name_of(id); }

void VirtioBlk::validate() const {
  check_disk(*this);
  if (physical_block_size_bytes != 0 && logical_block_size_bytes > physical_block_size_bytes) {
    refuse_device(describe(), this, "the logical block size must not be larger than the physical one");
  }
}

PropertyBag VirtioBlk::node() const { return backing.properties(id); }

PropertyBag VirtioBlk::properties() const { return properties_of(describe(), this); }

void VirtioBlk::render(CommandLine& line) const {
  line.add("-blockdev", node());
  line.add("-device", properties());
}

const DeviceTable& ScsiController::describe() {
  using D = ScsiController;
  static const DeviceTable table =
      TableBuilder<D>("ScsiController", "SCSI controller", "A virtio SCSI controller; its bus is \"<id>.0\".")
          .is_virtio("virtio-scsi")
          .with({
              id_field<&D::id>(),
              reference<&D::iothread>("iothread", "iothread", "The thread that serves it; not set: QEMU's main loop."),
              field<&D::num_queues>("num_queues", "num_queues", "Request queues; not set: one a vCPU.")
                  .range(1, max_virtqueues - 2)
                  .in("queues"),
              field<&D::queue_size>("queue_size", "virtqueue_size", "Requests that a queue takes.")
                  .range(4, max_queue_size)
                  .powers()
                  .in("requests"),
              field<&D::max_sectors>("max_sectors", "max_sectors", "In one command.")
                  .range(1, 0xffffffff)
                  .in("sectors"),
          })
          .placed<&D::place>();
  return table;
}

void ScsiController::validate() const { check_fields(describe(), this); }

PropertyBag ScsiController::properties() const { return properties_of(describe(), this); }

void ScsiController::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& ScsiDisk::describe() {
  using D = ScsiDisk;
  static const DeviceTable table =
      TableBuilder<D>("ScsiDisk", "Disk", "A disk on a SCSI controller, with its block node.")
          .by<&D::driver>(
              {{"hd", "scsi-hd", on_all, ""}, {"cd", "scsi-cd", on_all, ""}, {"block", "scsi-block", on_all, ""}})
          .with({
              id_field<&D::id>().longest(longest_disk_id),
              field<&D::bus>("bus", "bus", "The bus of its controller (\"scsi0.0\").").as(FieldType::bus).needed(),
              computed<D, drive_of<D>>("drive", "Its block node."),
              field<&D::scsi_id>("scsi_id", "scsi-id", "Its target on the bus; not set: QEMU's choice.").range(0, 255),
              field<&D::lun>("lun", "lun", "Its logical unit; not set: QEMU's choice.").range(0, 16383),
              field<&D::share_rw>("share_rw", "share-rw", "Others may write to the image at the same time."),
              field<&D::serial>("serial", "serial", "What the guest reads as its serial number.")
                  .longest(36)  // qemu: hw/scsi/scsi-disk.c, MAX_SERIAL_LEN
                  .only(variants_of(ScsiDriver::hd, ScsiDriver::cd)),
              field<&D::boot_index>("boot_index", "bootindex", "Firmware tries low numbers first.")
                  .range(0, 0x7fffffff),
          });
  return table;
}

void ScsiDisk::validate() const {
  check_disk(*this);
  if (driver == ScsiDriver::block && !backing.host_device) {
    refuse_device(describe(), this, "scsi-block needs a block device");
  }
}

std::string ScsiDisk::node_name() const { return BlockNode::name_of(id); }

PropertyBag ScsiDisk::node() const { return backing.properties(id); }

PropertyBag ScsiDisk::properties() const { return properties_of(describe(), this); }

void ScsiDisk::render(CommandLine& line) const {
  line.add("-blockdev", node());
  line.add("-device", properties());
}

}  // namespace visor::sdk

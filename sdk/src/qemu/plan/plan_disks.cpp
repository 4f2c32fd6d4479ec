// SPDX-License-Identifier: Apache-2.0
// Disks, the threads that serve them, and the controllers that SCSI disks sit on.
#include "device_builder.hpp"
#include "qemu/cloud_init.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/device/devices.hpp"
#include "visor/sdk/device/process.hpp"

#include <array>

namespace visor::sdk::plan::detail {
namespace {

constexpr std::string_view disks_thread = "visor-disks";
constexpr std::uint32_t last_scsi_target = 255;  // qemu: hw/scsi/virtio-scsi.c, VIRTIO_SCSI_MAX_TARGET

struct Attachment {
  DiskBus bus = DiskBus::automatic;
  bool transport_named = false;
  VirtioTransport transport = VirtioTransport::pci;
};

Attachment attachment_of(BlockDriver driver) {
  switch (driver) {
    case BlockDriver::automatic:
    case BlockDriver::virtio_blk:
      return {.bus = DiskBus::virtio_blk};
    case BlockDriver::virtio_blk_ccw:
      return {.bus = DiskBus::virtio_blk, .transport_named = true, .transport = VirtioTransport::ccw};
    case BlockDriver::virtio_mmio:
      return {.bus = DiskBus::virtio_blk, .transport_named = true, .transport = VirtioTransport::mmio};
    case BlockDriver::virtio_scsi:
      return {.bus = DiskBus::scsi};
    case BlockDriver::nvdimm:
      return {.bus = DiskBus::nvdimm};
  }
  throw Error(Errc::unsupported, "storage.driver: the QEMU driver does not know this one");
}

}  // namespace

std::string scsi_controller_of(const std::string& thread) {
  return "visor-scsi" + (thread.empty() ? "" : "-" + thread);
}

void refuse_disabled_block(const VmConfig& config) {
  if (config.storage.disable_block) {
    refuse(Errc::unsupported, "storage.disable_block is set; take a shared folder, or leave it out");
  }
}

DiskBus bus_of(const Input& input, const DiskConfig& disk) {
  auto attachment = Attachment{.bus = disk.bus};
  if (disk.bus == DiskBus::automatic) attachment = attachment_of(input.config.storage.driver);
  if (attachment.transport_named && attachment.transport != input.arch.buses(input.arch_input()).transport) {
    throw Error(Errc::unsupported,
                "storage.driver: virtio devices of this machine are not attached that way; take "
                "virtio-blk, which follows the machine, or virtio-scsi");
  }
  if (attachment.bus == DiskBus::virtio_blk || attachment.bus == DiskBus::scsi) return attachment.bus;
  const std::string why = "nvdimm: only the root image can be non-volatile memory; take virtio-blk or a SCSI disk";
  if (disk.bus == DiskBus::automatic) throw Error(Errc::unsupported, "storage.driver: " + why);
  refuse_field(Errc::unsupported, "bus", why);
}

std::string thread_of(const Input& input, const DiskConfig& disk) {
  if (!disk.iothread.empty() || !input.config.storage.iothreads) return disk.iothread;
  return std::string{disks_thread};
}

std::string DeviceBuilder::iothread_of(const DiskConfig& disk) {
  auto thread = thread_of(input_, disk);
  // qemu: hw/block/dataplane/virtio-blk.c; virtio-mmio has ioeventfds with KVM alone.
  if (!thread.empty() && transport_ == VirtioTransport::mmio && input_.accelerator != Accelerator::kvm) {
    const std::string why = "an iothread serves no virtio-mmio device of an emulated guest; leave it out";
    if (disk.iothread.empty()) throw Error(Errc::unsupported, "storage.iothreads: " + why);
    refuse_field(Errc::unsupported, "iothread", why);
  }
  if (thread == disks_thread && !plan_.addresses.has(thread)) {
    plan_.addresses.claim(thread);
    plan_.line.because("storage.iothreads");
    add(IoThreadObject{.id = thread});
    plan_.line.because(because_);
  }
  return thread;
}

BlockNode DeviceBuilder::node_of(const DiskConfig& disk) const {
  static constexpr std::array aio{"threads", "native", "io_uring"};
  const auto facts = input_.files.find(disk.path);
  const auto& storage = input_.config.storage;
  return {.path = disk.path,
          .format = disk.format == DiskFormat::raw ? "raw" : "qcow2",
          .host_device = facts != input_.files.end() && facts->second.block_device,
          .read_only = disk.read_only,
          .cache_direct = disk.cache_direct || (storage.cache_set && storage.cache_direct),
          .cache_no_flush = disk.cache_no_flush || (storage.cache_set && storage.cache_no_flush),
          .discard = disk.discard,
          .aio = aio.at(static_cast<std::size_t>(disk.aio))};
}

void DeviceBuilder::add_virtio_disk(const DiskConfig& disk) {
  add(VirtioBlk{.id = disk.id,
                .backing = node_of(disk),
                .transport = transport_,
                .share_rw = disk.share_rw,
                .serial = disk.serial,
                .iothread = iothread_of(disk),
                .logical_block_size_bytes = disk.logical_block_size_bytes,
                .physical_block_size_bytes = disk.physical_block_size_bytes,
                .place = place(disk.id)});
}

ScsiAddress DeviceBuilder::scsi_address(const std::string& bus, const std::string& id) {
  const auto given = input_.places.find(id);
  if (given == input_.places.end()) {
    const auto address = plan_.addresses.take_target(bus, id);
    if (plug_ != nullptr) plan_.places[id] = {.bus = bus, .addr = std::to_string(address.target)};
    return address;
  }
  const auto target = number_at(given->second, id);
  plan_.addresses.take_exactly(AddressSpace::scsi, bus, target, id);
  return {.channel = 0, .target = target, .lun = 0};
}

/// A controller has one thread, so disks on different threads sit on different controllers.
void DeviceBuilder::add_scsi_disk(const DiskConfig& disk) {
  if (disk.logical_block_size_bytes != 0 || disk.physical_block_size_bytes != 0) {
    refuse_field(Errc::unsupported,
                 disk.logical_block_size_bytes != 0 ? "logical_block_size_bytes" : "physical_block_size_bytes",
                 "block sizes can be set on bus virtio-blk alone; leave it out, or take that bus");
  }
  const auto thread = iothread_of(disk);
  const auto controller = scsi_controller_of(thread);
  const auto bus = controller + ".0";
  if (!plan_.addresses.has_range(AddressSpace::scsi, bus)) {
    if (plug_ != nullptr && transport_ == VirtioTransport::mmio) {
      refuse_field(Errc::unsupported, "bus",
                   "the SCSI controller of " + machine() +
                       " cannot be plugged; have one from the start, with a SCSI disk in the configuration");
    }
    add(ScsiController{.id = controller, .transport = transport_, .iothread = thread, .place = place(controller)});
    plan_.addresses.add_range({.space = AddressSpace::scsi,
                               .bus = bus,
                               .first = 0,
                               .last = last_scsi_target,
                               .more = "give disks an iothread of their own, which has a controller of its own"});
  }
  const auto address = scsi_address(bus, disk.id);
  add(ScsiDisk{.id = disk.id,
               .backing = node_of(disk),
               .bus = bus,
               .scsi_id = address.target,
               .lun = address.lun,
               .share_rw = disk.share_rw,
               .serial = disk.serial});
}

void DeviceBuilder::operator()(const DiskConfig& disk) {
  refuse_disabled_block(input_.config);
  if (bus_of(input_, disk) == DiskBus::scsi) return add_scsi_disk(disk);
  add_virtio_disk(disk);
}

void DeviceBuilder::operator()(const IoThreadConfig& thread) { add(IoThreadObject{.id = thread.id}); }

/// The disk itself is made when the VM is started.
void DeviceBuilder::operator()(const CloudInitConfig& cloud) {
  refuse_disabled_block(input_.config);
  add(VirtioBlk{.id = cloud.id,
                .backing = {.path = cloud_init_disk(input_.run_dir).string(), .format = "raw", .read_only = true},
                .transport = transport_,
                .place = place(cloud.id)});
}

}  // namespace visor::sdk::plan::detail

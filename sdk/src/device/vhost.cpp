// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/vhost.hpp"

#include "table.hpp"

namespace visor::sdk {
namespace {

constexpr std::size_t longest_fs_tag = 36;      // virtio 1.2, 5.11.4
constexpr std::uint32_t max_queue_size = 1024;  // qemu: VIRTQUEUE_MAX_SIZE
constexpr std::uint32_t max_virtqueues = 1024;  // qemu: VIRTIO_QUEUE_MAX
constexpr const char* no_dax = "QEMU 7.2 has no DAX window for virtio-fs";

}  // namespace

const DeviceTable& VhostUserDevice::describe() {
  using D = VhostUserDevice;
  using enum VhostUserKind;
  static const DeviceTable table =
      TableBuilder<D>("VhostUserDevice", "Vhost-user device", "A device served by another process over a socket.")
          .by<&D::kind>({{"blk", "vhost-user-blk", on_pci, ""},
                         {"scsi", "vhost-user-scsi", on_pci, ""},
                         {"fs", "vhost-user-fs", on_all, ""}})
          .suffixed()
          .with({
              id_field<&D::id>(),
              reference<&D::chardev>("chardev", "chardev", "Connected to the server's socket.").needed(),
              field<&D::tag>("tag", "tag", "By what the guest mounts it.")
                  .longest(longest_fs_tag)
                  .only(variants_of(fs))
                  .needed(),
              field<&D::queue_size>("queue_size", "queue-size", "Requests that a queue takes.")
                  .range(1, max_queue_size)
                  .powers()
                  .in("requests")
                  .only(variants_of(blk, fs)),
              field<&D::request_queues>("request_queues", "num-request-queues", "Queues for requests.")
                  .range(1, max_virtqueues - 2)
                  .in("queues")
                  .only(variants_of(fs)),
              field<&D::cache_bytes>("cache_bytes", "", "A window of it in the guest's memory.")
                  .in("bytes")
                  .only(variants_of(fs))
                  .no(no_dax),
              field<&D::shared_versions>("shared_versions", "", "A table of versions beside that window.")
                  .only(variants_of(fs))
                  .no(no_dax),
          })
          .placed<&D::place>()
          .modern(variants_of(fs));
  return table;
}

void VhostUserDevice::validate() const {
  if (kind != VhostUserKind::fs && transport != VirtioTransport::pci) {
    refuse_device(describe(), this, "QEMU has vhost-user disks on pci alone");
  }
  check_fields(describe(), this);
}

PropertyBag VhostUserDevice::properties() const { return properties_of(describe(), this); }

void VhostUserDevice::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& VhostVsock::describe() {
  using D = VhostVsock;
  static const DeviceTable table =
      TableBuilder<D>("VhostVsock", "Vsock device", "A socket between guest and host (AF_VSOCK).")
          .is_virtio("vhost-vsock")
          .with({
              id_field<&D::id>(),
              field<&D::guest_cid>("guest_cid", "guest-cid", "The guest's address.")
                  .range(min_guest_cid, max_guest_cid)
                  .needed(),
              field<&D::vhostfd>("vhostfd", "vhostfd", "A descriptor of /dev/vhost-vsock; not set: QEMU opens it.")
                  .as(FieldType::fd),
          })
          .placed<&D::place>();
  return table;
}

void VhostVsock::validate() const { check_fields(describe(), this); }

PropertyBag VhostVsock::properties() const { return properties_of(describe(), this); }

void VhostVsock::render(CommandLine& line) const { render_fields(describe(), this, line); }

}  // namespace visor::sdk

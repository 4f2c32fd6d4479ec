// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/vhost.hpp"

#include "check.hpp"
#include "visor/sdk/device/devices.hpp"

#include <array>

namespace visor::sdk {
namespace {

constexpr std::string_view what = "Vhost-user device";
constexpr std::size_t max_fs_tag = 36;               // virtio 1.2, 5.11.4
constexpr std::uint64_t min_guest_cid = 3;           // linux: vm_sockets.h, 0 to 2 have a meaning
constexpr std::uint64_t max_guest_cid = 4294967294;  // 2^32-1 is VMADDR_CID_ANY
constexpr std::array<const char*, 3> drivers = {"vhost-user-blk", "vhost-user-scsi", "vhost-user-fs"};

}  // namespace

void VhostUserDevice::validate() const {
  check_id(what, id);
  check_reference(what, id, "chardev", chardev);
  if (kind == VhostUserKind::fs && (tag.empty() || tag.size() > max_fs_tag)) {
    refuse(what, id, "a file system needs a tag of 1 to 36 bytes");
  }
  if (kind != VhostUserKind::fs && !tag.empty()) refuse(what, id, "only a file system has a tag");
  if (kind != VhostUserKind::fs && transport != VirtioTransport::pci) {
    refuse(what, id, "QEMU has vhost-user disks on pci alone");
  }
  if (kind == VhostUserKind::scsi && queue_size) refuse(what, id, "queue_size is not there on scsi");
  if (queue_size && (*queue_size == 0 || (*queue_size & (*queue_size - 1)) != 0)) {
    refuse(what, id, "queue_size must be a power of two");
  }
  place.check(what, id, transport);
}

PropertyBag VhostUserDevice::properties() const {
  auto bag = PropertyBag::device(virtio_driver(drivers.at(static_cast<std::size_t>(kind)), transport));
  bag.set("id", id).set("chardev", chardev).set_if("tag", tag);
  set_if(bag, "queue-size", queue_size);
  place.add_to(bag);
  return bag;
}

void VhostUserDevice::render(CommandLine& line) const { line.add("-device", properties()); }

void VhostVsock::validate() const {
  check_id("Vsock device", id);
  if (guest_cid < min_guest_cid || guest_cid > max_guest_cid) {
    refuse("Vsock device", id, "guest_cid must be from 3 to 4294967294, found " + std::to_string(guest_cid));
  }
  place.check("Vsock device", id, transport);
}

PropertyBag VhostVsock::properties() const {
  auto bag = PropertyBag::device(virtio_driver("vhost-vsock", transport));
  bag.set("id", id).set("guest-cid", guest_cid).set_if("vhostfd", vhostfd);
  place.add_to(bag);
  return bag;
}

void VhostVsock::render(CommandLine& line) const { line.add("-device", properties()); }

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
// Devices whose work the host's kernel or another process does. What of it this host has is looked at when the VM is
// started: host_needs.cpp.
#include "device_builder.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/device/chardev.hpp"
#include "visor/sdk/device/net.hpp"
#include "visor/sdk/device/vfio.hpp"
#include "visor/sdk/device/vhost.hpp"

#include <string_view>

namespace visor::sdk::plan::detail {
namespace {

/// An AP matrix stands below /sys/devices/vfio_ap (linux: Documentation/arch/s390/vfio-ap.rst); /sys/bus/mdev/devices
/// has a link to it.
bool is_ap_matrix(const Input& input, const std::string& path) {
  const auto facts = input.files.find(path);
  const auto& real = facts != input.files.end() && !facts->second.missing ? facts->second.real_path : path;
  return real.find("/vfio_ap/") != std::string::npos;
}

}  // namespace

void DeviceBuilder::operator()(const VsockConfig& vsock) {
  plan_.vsock = next_fd_++;
  VhostVsock device{.id = vsock.id,
                    .guest_cid = vsock.cid != 0 ? vsock.cid : vsock_cid(input_.id, 0),
                    .vhostfd = std::to_string(plan_.vsock),
                    .transport = transport_,
                    .place = modern_place(vsock.id)};
  add(device);
  if (plug_ != nullptr) plug_->parts.add(std::move(device), plug_->vhost);
}

void DeviceBuilder::operator()(const VfioConfig& vfio) {
  if (choices_.vfio.empty()) refuse(Errc::unsupported, machine() + " takes no devices of the host; leave it out");
  if (choices_.vfio == "vfio-pci") {
    return add(VfioPci{.id = vfio.id, .host = vfio.host, .sysfsdev = vfio.sysfs_path, .place = seat(vfio.id)});
  }
  if (vfio.sysfs_path.empty()) {
    refuse_field(Errc::unsupported, "host", machine() + " takes devices of the host by their sysfs_path; give that");
  }
  if (is_ap_matrix(input_, vfio.sysfs_path)) return add(VfioAp{.id = vfio.id, .sysfsdev = vfio.sysfs_path});
  add(VfioCcw{.id = vfio.id, .sysfsdev = vfio.sysfs_path, .devno = seat(vfio.id).devno});
}

std::string chardev_of(const std::string& device) { return device + "-chardev"; }

/// QEMU is the client: the other process listens before the VM starts.
void DeviceBuilder::connect(const std::string& chardev, const std::string& socket) {
  add(Chardev{.id = chardev, .backend = ChardevBackend::socket, .path = socket});
}

void DeviceBuilder::add_served_card(const VhostUserConfig& served, const std::string& chardev) {
  const auto netdev = netdev_of(served.id);
  connect(chardev, served.socket);
  add(VhostUserNetdev{.id = netdev, .chardev = chardev});
  add(VirtioNet{.id = served.id,
                .netdev = netdev,
                .mac = mac_of(served.mac, served.id),
                .transport = transport_,
                .place = place(served.id)});
}

void DeviceBuilder::operator()(const VhostUserConfig& served) {
  const auto chardev = chardev_of(served.id);
  if (served.type == VhostUserType::net) return add_served_card(served, chardev);
  VhostUserDevice device{.id = served.id, .chardev = chardev, .transport = transport_, .place = place(served.id)};
  switch (served.type) {
    case VhostUserType::blk:
      refuse_disabled_block(input_.config);
      device.kind = VhostUserKind::blk;
      break;
    case VhostUserType::scsi:
      refuse_disabled_block(input_.config);
      device.kind = VhostUserKind::scsi;
      break;
    case VhostUserType::fs:
      if (!choices_.virtio_fs_refusal.empty()) refuse_field(Errc::unsupported, "device", choices_.virtio_fs_refusal);
      device.kind = VhostUserKind::fs;
      device.place.disable_modern = false;
      device.place.disable_legacy = OnOffAuto::automatic;
      device.tag = served.tag;
      break;
    default:
      refuse_field(Errc::unsupported, "device", "the QEMU driver does not know this kind of vhost-user device");
  }
  connect(chardev, served.socket);
  add(device);
}

}  // namespace visor::sdk::plan::detail

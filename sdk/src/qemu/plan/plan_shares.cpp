// SPDX-License-Identifier: Apache-2.0
// Folders of the host.
#include "device_builder.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/device/fs.hpp"

namespace visor::sdk::plan::detail {
namespace {

ShareType type_of(const VmConfig& config, const ShareConfig& share) {
  if (share.type != ShareType::automatic) return share.type;
  switch (config.shared_fs.type) {
    case SharedFs::virtio_9p:
      return ShareType::plan9;
    case SharedFs::virtio_fs:
      return ShareType::virtio_fs;
    default:
      refuse_field(Errc::invalid_config, "protocol",
                   "shared_fs.type is none, and the share has no protocol of its own");
  }
}

FsSecurity security_of(const ShareConfig& share) {
  switch (share.security) {
    case ShareSecurity::none:
      return FsSecurity::none;
    case ShareSecurity::passthrough:
      return FsSecurity::passthrough;
    case ShareSecurity::mapped_xattr:
      return FsSecurity::mapped_xattr;
    case ShareSecurity::mapped_file:
      return FsSecurity::mapped_file;
  }
  refuse_field(Errc::unsupported, "security", "the QEMU driver does not know this security model");
}

}  // namespace

void DeviceBuilder::operator()(const ShareConfig& share) {
  if (type_of(input_.config, share) == ShareType::virtio_fs) {
    if (!choices_.virtio_fs_refusal.empty()) refuse_field(Errc::unsupported, "protocol", choices_.virtio_fs_refusal);
    refuse_field(Errc::unsupported, "protocol",
                 "this version of the QEMU driver starts no virtio-fs daemon; start one and give its socket to a "
                 "device of type vhost_user with `device: fs`, or take protocol 9p");
  }
  const auto backend = share.id + "-fs";
  add(FsBackend{.id = backend,
                .path = share.path,
                .security_model = security_of(share),
                .multidevs = choices_.plan9_remap ? FsMultidevs::remap : FsMultidevs::warn,
                .read_only = share.read_only});
  add(Virtio9p{.id = share.id, .fsdev = backend, .mount_tag = share.tag, .transport = transport_, .place = place()});
}

}  // namespace visor::sdk::plan::detail

// SPDX-License-Identifier: Apache-2.0
// Folders of the host.
#include "device_builder.hpp"
#include "fuse_option.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/device/fs.hpp"
#include "visor/sdk/device/vhost.hpp"

#include <array>

namespace visor::sdk::plan {
namespace {

using detail::refuse_field;

constexpr std::size_t longest_served_id = 29;  // a keeper's helper "fs-<id>" has a name of at most 32 characters
constexpr std::size_t most_daemons = 16;       // as many helpers has a keeper

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

/// What the daemon cannot do, or the driver cannot tell it.
void check_served(const ShareConfig& share, std::size_t daemons) {
  if (share.read_only) {
    refuse_field(Errc::unsupported, "read_only", "the virtio-fs daemon keeps no guest from writing; take protocol 9p");
  }
  if (share.security != ShareSecurity::none) {
    refuse_field(Errc::unsupported, "security", "is for protocol 9p alone; leave it out");
  }
  if (share.id.size() > longest_served_id) {
    refuse_field(Errc::unsupported, "id",
                 "of a virtio-fs share has at most " + std::to_string(longest_served_id) + " characters");
  }
  if (daemons < most_daemons) return;
  refuse_field(
      Errc::unsupported, "protocol",
      "a VM has at most " + std::to_string(most_daemons) + " virtio-fs shares; take protocol 9p for the others");
}

FsDaemon daemon_of(const Input& input, const ShareConfig& share) {
  static constexpr std::array caches{"none", "metadata", "auto", "always"};
  const auto& fs = input.config.shared_fs;
  FsDaemon daemon{share.id, fs_socket(share, input.run_dir), {}};
  daemon.arguments = {"--fd=" + std::to_string(fs_daemon_fd),
                      "-f",
                      "-o",
                      fuse_option("source", share.path),
                      "-o",
                      fuse_option("cache", caches.at(static_cast<std::size_t>(fs.cache)))};
  daemon.arguments.insert(daemon.arguments.end(), fs.daemon_args.begin(), fs.daemon_args.end());
  return daemon;
}

}  // namespace

std::string fs_socket(const ShareConfig& share, const std::filesystem::path& run_dir) {
  return (run_dir / ("fs-" + share.id + ".sock")).string();
}

namespace detail {

void DeviceBuilder::add_served_share(const ShareConfig& share) {
  if (!choices_.virtio_fs_refusal.empty()) refuse_field(Errc::unsupported, "protocol", choices_.virtio_fs_refusal);
  // The server takes none of the guest's addresses through an IOMMU: it does not offer VIRTIO_F_ACCESS_PLATFORM.
  if (input_.config.machine.iommu_platform) {
    refuse_field(Errc::unsupported, "protocol",
                 "the virtio-fs daemon does not work with machine.iommu_platform; take protocol 9p, or leave that out");
  }
  check_served(share, plan_.daemons.size());
  const auto daemon = daemon_of(input_, share);
  const auto chardev = chardev_of(share.id);
  connect(chardev, daemon.socket);
  add(VhostUserDevice{.kind = VhostUserKind::fs,
                      .id = share.id,
                      .chardev = chardev,
                      .tag = share.tag,
                      .transport = transport_,
                      .place = modern_place(share.id)});
  plan_.daemons.push_back(daemon);
}

void DeviceBuilder::operator()(const ShareConfig& share) {
  if (share.type == ShareType::automatic && input_.config.shared_fs.type == SharedFs::none) {
    refuse_field(Errc::invalid_config, "protocol", "shared_fs.type is none, and the share has no protocol of its own");
  }
  if (is_virtio_fs(input_.config, share)) return add_served_share(share);
  const auto backend = share.id + "-fs";
  add(FsBackend{.id = backend,
                .path = share.path,
                .security_model = security_of(share),
                .multidevs = choices_.plan9_remap ? FsMultidevs::remap : FsMultidevs::warn,
                .read_only = share.read_only});
  add(Virtio9p{
      .id = share.id, .fsdev = backend, .mount_tag = share.tag, .transport = transport_, .place = place(share.id)});
}

}  // namespace detail
}  // namespace visor::sdk::plan

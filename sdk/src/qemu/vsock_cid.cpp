// SPDX-License-Identifier: Apache-2.0
#include "vsock_cid.hpp"

#include "plan/plan.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/device/addresses.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstdint>

namespace visor::sdk {
namespace {

constexpr std::uint32_t most_attempts = 64;  // far more than VMs of one host hit on by chance

// linux/vhost.h, which is no C++: VHOST_VIRTIO, VHOST_VSOCK_SET_GUEST_CID
constexpr unsigned vhost_virtio = 0xaf;
constexpr unsigned long set_guest_cid_request = _IOW(vhost_virtio, 0x60, std::uint64_t);

int set_guest_cid(int fd, std::uint32_t cid) {
  std::uint64_t wide = cid;
  return ::ioctl(fd, set_guest_cid_request, &wide) == 0 ? 0 : errno;
}

}  // namespace

std::uint32_t choose_cid(const VsockConfig& vsock, const std::string& field, std::string_view vm,
                         const std::function<int(std::uint32_t)>& set) {
  const bool chosen = vsock.cid != 0;
  for (std::uint32_t attempt = 0; attempt < (chosen ? 1 : most_attempts); ++attempt) {
    const auto cid = chosen ? vsock.cid : vsock_cid(vm, attempt);
    const int problem = set(cid);
    if (problem == 0) return cid;
    if (problem != EADDRINUSE) {
      throw system_error(field + ": cannot set the context id " + std::to_string(cid), problem);
    }
  }
  if (chosen) {
    throw Error(Errc::already_exists, field + ": the context id " + std::to_string(vsock.cid) +
                                          " belongs to another VM of this host; give another cid, or leave it out");
  }
  throw Error(Errc::exhausted, field + ": none of " + std::to_string(most_attempts) +
                                   " context ids that were tried is free; give a vsock device a cid");
}

VsockClaim claim_vsock(const VmConfig& config, std::string_view vm, const std::filesystem::path& node) {
  for (std::size_t i = 0; i < config.devices.size(); ++i) {
    const auto* const vsock = std::get_if<VsockConfig>(&config.devices[i]);
    if (vsock == nullptr) continue;
    VsockClaim claim{.fd = UniqueFd{::open(node.c_str(), O_RDWR | O_CLOEXEC)}, .cid = 0};
    const auto field = plan::device_path(config, i) + (vsock->id == plan::chosen_vsock_id ? "" : ".cid");
    if (!claim.fd) throw system_error(field + ": cannot open " + node.string(), errno);
    claim.cid = choose_cid(*vsock, field, vm, [&](std::uint32_t cid) { return set_guest_cid(claim.fd.get(), cid); });
    return claim;
  }
  return {};
}

}  // namespace visor::sdk

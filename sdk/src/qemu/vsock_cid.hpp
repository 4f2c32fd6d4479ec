// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/unique_fd.hpp"
#include "visor/core/vm_config.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

/// The context id of a VM's vsock device: an address that one VM of a host has at a time. Only the kernel knows which
/// are taken, so it is chosen when the VM starts, by setting it on the descriptor that QEMU then gets: nobody can come
/// in between.
namespace visor::sdk {

/// An open /dev/vhost-vsock with its context id set; no descriptor when the VM has no vsock device.
struct VsockClaim {
  UniqueFd fd;
  std::uint32_t cid = 0;
};

/// Throws already_exists for a configured id that another VM has, exhausted when none of the candidates was free,
/// permission_denied, io_error. [file I/O]
VsockClaim claim_vsock(const VmConfig& config, std::string_view vm, const std::filesystem::path& node);

/// Tries the configured id, or else candidates (vsock_cid()) until one is free. `set` sets an id and returns 0, or the
/// errno value. An error begins with `field`.
std::uint32_t choose_cid(const VsockConfig& vsock, const std::string& field, std::string_view vm,
                         const std::function<int(std::uint32_t)>& set);

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/vm_config.hpp"

#include <cstddef>
#include <filesystem>

namespace visor::sdk::plan {

/// Where the host's devices are; a test has its own.
struct HostPaths {
  std::filesystem::path dev = "/dev";
  std::filesystem::path sys = "/sys";
};

/// Looks for what the configured devices need of this host, right before a start: a plan is made on any host. Throws
/// unsupported for what the kernel does not offer, permission_denied, and not_found for a missing path; the message
/// names each device and field, and what to do, a line each. [file I/O] Nothing is opened but looked at.
void check_host(const VmConfig& config, const HostPaths& paths = {});
/// The same for one of its devices.
void check_host(const VmConfig& config, std::size_t device, const HostPaths& paths = {});

}  // namespace visor::sdk::plan

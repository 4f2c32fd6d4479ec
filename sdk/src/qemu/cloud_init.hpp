// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "driver.hpp"
#include "visor/core/call.hpp"
#include "visor/core/vm_config.hpp"

#include <filesystem>
#include <string>

namespace visor::sdk {

/// Where a VM's cloud-init disk is.
std::filesystem::path cloud_init_disk(const std::filesystem::path& run_dir);

/// Removes it, if it is there, and what a process left behind that was killed while it made it.
void remove_cloud_init(const std::filesystem::path& run_dir) noexcept;

/// Makes it for the VM of this id, when one is configured. [file I/O] [blocks ≤ deadline, 30 s at most] Throws as
/// make_cloud_init_disk(), and for a file of the configuration not_found, permission_denied, invalid_config and
/// exhausted; the message names the device and the field. Logs a warning for user data that cloud-init ignores.
void make_cloud_init(const Driver& driver, const VmConfig& config, const std::string& id,
                     const std::filesystem::path& run_dir, const CallContext& call);

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
// What a configuration means to User-Mode Linux.
#pragma once
#include "visor/core/capabilities.hpp"
#include "visor/core/vm_config.hpp"

#include <string>
#include <string_view>

namespace uml {

inline constexpr std::string_view plugin_name = "uml";

/// A checked copy with all defaults filled in. What UML cannot do is refused, not ignored. [file I/O]
/// Throws invalid_config, unsupported, not_found, permission_denied.
visor::VmConfig checked(const visor::VmConfig& config);

visor::Capabilities offered(const visor::VmConfig& config);

/// Throws unsupported for a device that UML does not have, invalid_config for a disk that it cannot be told about.
const visor::DiskConfig& as_disk(const visor::DeviceConfig& device);
/// A free id for a device: "disk0", "disk1" …
std::string free_id(const visor::VmConfig& config);

}  // namespace uml

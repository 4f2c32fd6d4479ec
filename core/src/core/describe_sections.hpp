// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/describe.hpp"

/// The tables of the parts of a configuration. Each is made once, on first use, and never changes.
namespace visor::detail {

const Section& machine_section();
const Section& cpu_section();
const Section& memory_section();
const Section& boot_section();
const Section& asset_section();
const Section& template_section();
const Section& storage_section();
const Section& shared_fs_section();
const Section& network_section();
const Section& console_section();
const Section& ready_section();
const Section& policy_section();
const Section& host_section();

/// The table for a device's type.
const Section& section_of(const DeviceConfig& device);
/// The struct within the variant, as the functions of its table want it.
const void* object_of(const DeviceConfig& device);
void* object_of(DeviceConfig& device);
/// A device as it is when only its type is given. index counts device_sections().
DeviceConfig make_device(std::size_t index);

}  // namespace visor::detail

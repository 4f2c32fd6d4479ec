// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "arrival.hpp"
#include "qemu/driver.hpp"
#include "saved_folder.hpp"
#include "visor/core/qemu_arch.hpp"

#include <optional>

namespace visor::sdk {

/// The file that a VM with template.to_be has its memory in, empty and private; nothing for any other VM.
/// Throws already_exists, invalid_config unless its folder is in the host's memory (tmpfs, hugetlbfs), exhausted when
/// the folder has not that much room. [file I/O]
std::optional<NewFile> make_template_memory(const VmConfig& config, std::uint64_t memory_bytes);

/// The state of the template that a VM with template.from begins with; nothing for any other VM. Throws not_found,
/// permission_denied, and invalid_config for files that are no template's. [file I/O]
std::optional<Arrival> find_template(const VmConfig& config, const MigrationRules& rules, std::uint64_t memory_bytes,
                                     const CallContext& call);

}  // namespace visor::sdk

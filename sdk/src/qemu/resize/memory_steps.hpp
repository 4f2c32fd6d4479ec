// SPDX-License-Identifier: Apache-2.0
// How sizes of memory become whole steps. Values alone; nothing overflows, whatever is asked for.
#pragma once
#include "visor/core/qemu_arch.hpp"

#include <cstdint>
#include <string>

namespace visor::sdk {

/// What a VM's memory can be, in MiB.
struct MemoryRoom {
  std::uint64_t boot_mib = 0;   ///< what it started with, which stays
  std::uint64_t limit_mib = 0;  ///< memory.max_size; boot_mib when nothing can be added
  std::uint64_t pool_mib = 0;   ///< what can be added at most, because a device has no more
};

MemoryRoom memory_room(const MemoryConfig& config, const MemoryTopology& topology) noexcept;

/// Throws exhausted above the limit, and invalid_config below what it started with. `vm` begins the sentence.
void check_memory_target(const std::string& vm, const MemoryRoom& room, std::uint64_t target_mib);

/// The guest's block, or else `usual_mib`, rounded up to what QEMU takes. The largest number when there is no such.
std::uint64_t memory_step(std::uint64_t block_mib, std::uint64_t usual_mib, std::uint64_t alignment_mib) noexcept;

/// How much is to be added to what the VM started with for a target that was checked: whole steps, rounded up, but not
/// above the limit, below which the last whole step is the most.
std::uint64_t memory_to_add(const MemoryRoom& room, std::uint64_t target_mib, std::uint64_t step_mib) noexcept;

/// How much of `missing_mib`, whole steps, a guest that has `current_mib` can take at once. Linux describes each page
/// of new memory by 64 bytes of the old: of 64 times as much nothing would be left, and it needs some itself.
std::uint64_t module_size(std::uint64_t current_mib, std::uint64_t missing_mib, std::uint64_t step_mib) noexcept;

}  // namespace visor::sdk

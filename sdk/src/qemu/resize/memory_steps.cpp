// SPDX-License-Identifier: Apache-2.0
#include "memory_steps.hpp"

#include "visor/core/error.hpp"

#include <algorithm>
#include <limits>

namespace visor::sdk {
namespace {

constexpr auto endless = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t most_growth = 48;  // times what the guest has: what other runtimes have long used

}  // namespace

MemoryRoom memory_room(const MemoryConfig& config, const MemoryTopology& topology) noexcept {
  const auto limit = std::max(config.max_size_mib, topology.size_mib);
  const auto room = limit - topology.size_mib;
  return {.boot_mib = topology.size_mib,
          .limit_mib = limit,
          .pool_mib = topology.virtio_mem_mib != 0 ? std::min(room, topology.virtio_mem_mib) : room};
}

void check_memory_target(const std::string& vm, const MemoryRoom& room, std::uint64_t target_mib) {
  if (target_mib > room.limit_mib) {
    throw Error(Errc::exhausted, vm + " can have at most " + std::to_string(room.limit_mib) +
                                     " MiB of memory (memory.max_size), not " + std::to_string(target_mib));
  }
  if (target_mib < room.boot_mib) {
    throw Error(Errc::invalid_config, vm + " started with " + std::to_string(room.boot_mib) +
                                          " MiB of memory (memory.size), which cannot be removed; " +
                                          std::to_string(target_mib) + " is too little");
  }
}

std::uint64_t memory_step(std::uint64_t block_mib, std::uint64_t usual_mib, std::uint64_t alignment_mib) noexcept {
  const auto block = block_mib != 0 ? block_mib : usual_mib;
  const auto over = block % alignment_mib;
  if (over == 0) return block;
  return block > endless - alignment_mib ? endless : block + (alignment_mib - over);
}

std::uint64_t memory_to_add(const MemoryRoom& room, std::uint64_t target_mib, std::uint64_t step_mib) noexcept {
  const auto most = room.pool_mib / step_mib * step_mib;
  const auto wanted = target_mib - room.boot_mib;
  if (wanted >= most) return most;
  return wanted / step_mib * step_mib + (wanted % step_mib != 0 ? step_mib : 0);
}

std::uint64_t module_size(std::uint64_t current_mib, std::uint64_t missing_mib, std::uint64_t step_mib) noexcept {
  if (missing_mib / most_growth < current_mib) return missing_mib;
  return std::max(step_mib, current_mib * most_growth / step_mib * step_mib);
}

}  // namespace visor::sdk

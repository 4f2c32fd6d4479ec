// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/value.hpp"
#include "visor/core/vm_state.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace visor::sdk {

/// A module that was plugged.
struct MemoryModule {
  std::uint32_t number = 0;  ///< that its id ends with: who came later has a higher one
  std::uint64_t size_mib = 0;

  [[nodiscard]] std::string id() const;      ///< of its device
  [[nodiscard]] std::string memory() const;  ///< of its backend
};

/// The virtio-mem device that memory grows by.
struct VirtioMemState {
  std::uint64_t requested_mib = 0;
  std::uint64_t size_mib = 0;   ///< what the guest has accepted
  std::uint64_t block_mib = 1;  ///< QEMU's unit
};

/// What was added to the memory that a VM started with.
struct PluggedMemory {
  std::vector<MemoryModule> modules;  ///< the oldest first
  std::optional<VirtioMemState> virtio_mem;
  std::size_t slots_taken = 0;  ///< by modules, and by images as non-volatile memory

  [[nodiscard]] std::uint64_t added_mib() const noexcept;
  /// As a record keeps it: a list of {id, memory, size_mib}.
  [[nodiscard]] Value modules_value() const;
};

/// As QEMU has it. [blocks]
PluggedMemory read_plugged_memory(qmp::Client& client, const CallContext& call);

/// Asks a guest to let go of a module, again and again until it answers: a request that comes while it still takes
/// another module in is lost (q35). Removes the module's memory then. [blocks until the deadline]
UnplugOutcome remove_module(qmp::Client& client, const MemoryModule& module, const CallContext& call);

/// Asks a guest by its virtio-mem device for this much above what it started with. Returns when that was passed on.
/// [blocks]
void request_virtio_mem(qmp::Client& client, std::uint64_t mib, const CallContext& call);

/// Waits until the guest has as much as was asked for, or a moment before the deadline; returns what it has then.
/// [blocks]
std::uint64_t await_virtio_mem(qmp::Client& client, std::uint64_t mib, const CallContext& call);

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/sdk/export.h"
#include "visor/sdk/qmp/types.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace visor::sdk::qmp {

class Client;

/// One memory device. What its kind does not have is absent.
struct MemoryDevice {
  std::string type = {};  ///< "dimm", "nvdimm", "virtio-mem", "virtio-pmem", "sgx-epc", and what later QEMUs add
  std::optional<std::string> id = {};              ///< that it was given
  std::optional<std::uint64_t> address = {};       ///< in the guest's physical memory
  std::optional<std::uint64_t> size_bytes = {};    ///< of virtio-mem: what the guest has accepted
  std::optional<std::int64_t> slot = {};           ///< of a dimm or nvdimm
  std::optional<std::int64_t> node = {};           ///< of NUMA
  std::optional<std::string> memory_backend = {};  ///< its path in QEMU's object model: "/objects/mem0", not "mem0"
  std::optional<bool> hotplugged = {};             ///< of a dimm or nvdimm: added after the start
  std::optional<bool> hotpluggable = {};
  std::optional<std::uint64_t> requested_bytes = {};  ///< of virtio-mem, as are the next two
  std::optional<std::uint64_t> max_bytes = {};
  std::optional<std::uint64_t> block_bytes = {};
};

struct MemorySize {
  std::uint64_t base_bytes = 0;                     ///< of the start (-m)
  std::optional<std::uint64_t> plugged_bytes = {};  ///< of dimms and of what virtio-mem got; absent without hotplug
};

/// Typed commands. All [any thread] [blocks]; deadlines and errors as Client::call().
VISOR_SDK_EXPORT std::vector<MemoryDevice> query_memory_devices(Client& client, const CallContext& call);
VISOR_SDK_EXPORT MemorySize query_memory_size_summary(Client& client, const CallContext& call);
/// Asks the guest to keep this much memory; more than it has counts as all that it has. Returns when the wish was
/// passed on. What goes wrong with the command is returned, with QEMU's class: ErrorClass::device_not_active means that
/// there is no balloon device, invalid_config that `bytes` is 0 or above 2^63-1; that is not sent.
[[nodiscard]] VISOR_SDK_EXPORT Outcome balloon(Client& client, std::uint64_t bytes, const CallContext& call);
/// What the guest keeps now, in bytes; without a driver in the guest all that it has. Nothing without a balloon device.
VISOR_SDK_EXPORT std::optional<std::uint64_t> query_balloon(Client& client, const CallContext& call);

}  // namespace visor::sdk::qmp

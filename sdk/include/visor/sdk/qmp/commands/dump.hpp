// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visor::sdk::qmp {

class Client;

/// The formats of a memory dump. Not every QEMU is built with every one: query_dump_guest_memory_capability() tells.
enum class DumpFormat : std::uint32_t { elf = 0, kdump_zlib, kdump_lzo, kdump_snappy, win_dmp };

/// QEMU's name ("kdump-zlib").
VISOR_SDK_EXPORT std::string_view to_string(DumpFormat format) noexcept;

struct DumpRequest {
  std::string target = {};  ///< "fd:<name>" of a descriptor given with getfd, or "file:<path>"; a file is overwritten
  bool paging = false;      ///< by the guest's page tables; only with elf and without a range
  std::optional<DumpFormat> format = {};    ///< none: elf
  std::optional<std::uint64_t> begin = {};  ///< a range of guest physical addresses, in bytes; both or none
  std::optional<std::uint64_t> length = {};
};

/// How far a dump is.
struct DumpStatus {
  std::string status = {};  ///< "none", "active", "completed", "failed"
  std::uint64_t completed_bytes = 0;
  std::uint64_t total_bytes = 0;
};

/// Writes the guest's memory. [any thread] [blocks] The guest stands still meanwhile; one that ran runs on afterwards.
/// The monitor stays free: QEMU is always told to detach. It is followed by the event DUMP_COMPLETED and by asking;
/// progress is reported as "dump", in bytes. Returns when all is written and QEMU has had time to tidy up: it closes
/// the file a moment after it has said that it is done, and would close that of a dump begun meanwhile. Throws as
/// Client::call(), and hypervisor_error with QEMU's words when writing fails. QEMU cannot be told to end a dump: after
/// timeout and cancelled it goes on, and the guest stands still until it is done.
VISOR_SDK_EXPORT DumpStatus dump_guest_memory(Client& client, const DumpRequest& request, const CallContext& call);

/// Typed commands. All [any thread] [blocks]; deadlines and errors as Client::call().
VISOR_SDK_EXPORT DumpStatus query_dump(Client& client, const CallContext& call);
/// What this QEMU can write; a format that this library does not know is left out.
VISOR_SDK_EXPORT std::vector<DumpFormat> query_dump_guest_memory_capability(Client& client, const CallContext& call);

}  // namespace visor::sdk::qmp

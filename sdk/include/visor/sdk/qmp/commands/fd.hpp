// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace visor::sdk::qmp {

class Client;

/// Whether a descriptor may be passed by this name: not empty, no digit first (QEMU takes that for a number), and no
/// ':' (lists of names are joined by it).
VISOR_SDK_EXPORT bool is_fd_name(std::string_view name) noexcept;

/// Descriptors handed to QEMU. [any thread] [blocks] Deadlines and errors as Client::call(). The descriptor stays the
/// caller's: the call duplicates it, and it may be closed when the call has returned.
///
/// Hands one over by a name for a later command, which uses it up. A name that is taken already is replaced, its old
/// descriptor closed. Throws invalid_config for a name that is_fd_name() does not take, or a descriptor below 0.
VISOR_SDK_EXPORT void getfd(Client& client, const std::string& name, int fd, const CallContext& call);
/// Closes one that no command has used.
VISOR_SDK_EXPORT void closefd(Client& client, const std::string& name, const CallContext& call);

/// A descriptor in a set, which QEMU opens by the path "/dev/fdset/<set>".
struct FdsetEntry {
  std::uint64_t fdset = 0;
  std::int64_t fd = 0;  ///< its number in QEMU's process
};
/// Adds to a set; to a new one when none is named. `opaque` is text that QEMU keeps with it.
VISOR_SDK_EXPORT FdsetEntry add_fd(Client& client, int fd, std::optional<std::uint64_t> fdset,
                                   const std::string& opaque, const CallContext& call);
/// Removes one descriptor of a set; all of them when none is named.
VISOR_SDK_EXPORT void remove_fd(Client& client, std::uint64_t fdset, std::optional<std::int64_t> fd,
                                const CallContext& call);

}  // namespace visor::sdk::qmp

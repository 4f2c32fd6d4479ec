// SPDX-License-Identifier: Apache-2.0
// Taking something away from QEMU that another command made.
#pragma once
#include "visor/sdk/qmp/client.hpp"

#include <optional>
#include <string_view>

namespace visor::sdk::qmp {

inline bool has(std::string_view text, std::string_view words) noexcept {
  return text.find(words) != std::string_view::npos;
}

/// Whether QEMU refused because somebody still uses the thing.
bool is_in_use(const QmpError& error) noexcept;

/// Runs a command that removes a thing; that it is not there is success. One in use is tried again until the deadline,
/// since QEMU lets go of what stood behind a device some time after the device is gone. Returns what hindered it.
/// Throws cancelled and disconnected.
std::optional<QmpError> remove(Client& client, const Command& command, const CallContext& call);

}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#include "remove.hpp"

#include "visor/core/error.hpp"

namespace visor::sdk::qmp {
namespace {

constexpr std::chrono::milliseconds pause_between_tries{20};

/// QEMU has a class for devices and network backends only: nodes, objects, character devices and descriptors go by its
/// words.
bool is_absent(const QmpError& error) noexcept {
  return error.error_class == ErrorClass::device_not_found || has(error.description, "not found") ||
         has(error.description, "Failed to find");
}

}  // namespace

bool is_in_use(const QmpError& error) noexcept { return has(error.description, "in use"); }

std::optional<QmpError> remove(Client& client, const Command& command, const CallContext& call) {
  std::optional<QmpError> last;
  while (true) {
    const auto outcome = client.call(command, call);
    const auto* const error = outcome.error();
    if (!error || is_absent(*error)) return std::nullopt;
    if (error->code != Errc::timeout && error->code != Errc::hypervisor_error) error->raise();
    if (error->code == Errc::timeout) return last ? last : *error;
    last = *error;
    if (!is_in_use(*error)) return last;
    try {
      // What holds it lets go of it with such an event, when one is late.
      (void)client.wait_for_event({"DEVICE_DELETED"}, call.at_most(pause_between_tries));
    } catch (const Error& quiet) {
      if (quiet.code() != Errc::timeout) throw;
    }
  }
}

}  // namespace visor::sdk::qmp

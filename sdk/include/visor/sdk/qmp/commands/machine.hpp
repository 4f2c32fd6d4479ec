// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/sdk/export.h"
#include "visor/sdk/qmp/types.hpp"

#include <optional>
#include <string>

namespace visor::sdk::qmp {

class Client;

/// QEMU's run state. `status` is QEMU's word: "running", "paused", "prelaunch", "inmigrate", "postmigrate",
/// "guest-panicked", "shutdown", "internal-error", "io-error", …
struct StatusInfo {
  bool running = false;
  std::string status;
  std::optional<bool> singlestep;  ///< TCG makes one instruction at a time; QEMU says it no more since 9.0
};

/// Typed commands. All [any thread] [blocks]; deadlines and errors as Client::call(). An answer of another shape than
/// QEMU documents ends in Error(hypervisor_error) that names the command and the member.
VISOR_SDK_EXPORT StatusInfo query_status(Client& client, const CallContext& call);
/// Lets the vCPUs run. During an incoming migration it only notes that they shall run afterwards.
VISOR_SDK_EXPORT void cont(Client& client, const CallContext& call);
/// Pauses the vCPUs. No error when they do not run.
VISOR_SDK_EXPORT void stop(Client& client, const CallContext& call);
/// Presses the guest's power button. Success says nothing about whether the guest will react: QEMU sends its event
/// POWERDOWN before the answer in any case, and SHUTDOWN only comes when the guest obeyed.
VISOR_SDK_EXPORT void system_powerdown(Client& client, const CallContext& call);
/// Resets the machine as its reset button does. What a guest without an operating system kept back is completed then.
VISOR_SDK_EXPORT void system_reset(Client& client, const CallContext& call);
/// Wakes a suspended guest; QEMU refuses when it is not suspended.
VISOR_SDK_EXPORT void system_wakeup(Client& client, const CallContext& call);
/// Ends QEMU at once. That the connection is lost instead of answered is success.
VISOR_SDK_EXPORT void quit(Client& client, const CallContext& call);

/// The name that QEMU was given by -name; empty without one.
VISOR_SDK_EXPORT std::string query_name(Client& client, const CallContext& call);
/// The machine's UUID in its usual form; zeros when none was given.
VISOR_SDK_EXPORT std::string query_uuid(Client& client, const CallContext& call);
VISOR_SDK_EXPORT Version query_version(Client& client, const CallContext& call);

}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <string>
#include <vector>

namespace visor::sdk::qmp {

class Client;

/// QEMU's run state. `status` is QEMU's word: "running", "paused", "prelaunch", "inmigrate", "postmigrate",
/// "guest-panicked", "shutdown", "internal-error", "io-error", …
struct StatusInfo {
  bool running = false;
  std::string status;
};

/// One virtual CPU.
struct CpuInfo {
  std::uint32_t index = 0;
  std::int64_t thread_id = 0;  ///< the thread of the host that runs it
  std::string qom_path;
  std::string target;  ///< QEMU's name of the guest architecture ("x86_64")
};

/// Typed commands. All [any thread] [blocks]; deadlines and errors as Client::call(). An answer of another shape than
/// QEMU documents ends in Error(qemu_error) that names the command.
VISOR_SDK_EXPORT StatusInfo query_status(Client& client, const CallContext& call);
/// Lets the vCPUs run. During an incoming migration it only notes that they shall run afterwards.
VISOR_SDK_EXPORT void cont(Client& client, const CallContext& call);
/// Pauses the vCPUs. No error when they do not run.
VISOR_SDK_EXPORT void stop(Client& client, const CallContext& call);
/// Presses the guest's power button. Success says nothing about whether the guest will react.
VISOR_SDK_EXPORT void system_powerdown(Client& client, const CallContext& call);
/// Ends QEMU at once. That the connection is lost instead of answered is success.
VISOR_SDK_EXPORT void quit(Client& client, const CallContext& call);
VISOR_SDK_EXPORT std::vector<CpuInfo> query_cpus_fast(Client& client, const CallContext& call);

}  // namespace visor::sdk::qmp

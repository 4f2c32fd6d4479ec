// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/qemu_caps.hpp"

#include <string>

namespace visor::sdk {

/// Asks a QEMU program what it can do: starts it without a machine, asks over a monitor that nobody else can reach, and
/// ends it. The process is gone when this returns or throws, and ends with this process if that is killed meanwhile.
/// [any thread but the I/O thread] [blocks ≤ deadline; some 200 ms with QEMU 7.2]
///
/// Progress: "probe". Errors name the program; for one that ended they quote its last words. not_found,
/// permission_denied (no such program, or none that may be run); disconnected (it is no QEMU, or it died); timeout (it
/// hangs); cancelled; unsupported (older than 5.0); hypervisor_error (answers of another shape than QEMU's);
/// wrong_thread; io_error.
QemuCaps probe_caps(const std::string& binary, const CallContext& call);

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/sdk/export.h"
#include "visor/sdk/process/exit_record.hpp"
#include "visor/sdk/process/spec.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// A hypervisor with a command line of the caller's own: no VM, no keeper, no record. Whoever wants more takes a
/// plugin.
namespace visor::sdk {

/// A program to run and what it gets. It leads a session of its own, so that Ctrl-C on a terminal does not reach it;
/// its stdin and stdout are /dev/null, and of the caller's descriptors it has those in `fds` alone.
struct RawLaunch {
  std::string program = "qemu-system-x86_64";  ///< a path, or a name without '/' that is looked for in $PATH
  std::vector<std::string> arguments;          ///< those after the program's name, each as one argument
  std::vector<int> fds;                        ///< become 3, 4, … in this order; borrowed until the call returns
  std::vector<std::string> env;                ///< "KEY=value"; empty: what the caller has
  std::string working_dir;                     ///< empty: the caller's
  std::optional<Credentials> credentials;      ///< empty: the caller's
  bool no_new_privs = false;
  /// The kernel kills it when the calling thread ends, which before the return it only does with the whole process.
  /// Not a set-user-ID program. When it ends otherwise, what it has started is killed with it; the kernel kills it
  /// alone.
  bool end_with_caller = false;
  std::uint32_t stderr_bytes = 64 * 1024;      ///< how much of the end of stderr is kept
  std::chrono::milliseconds term_grace{3000};  ///< from SIGTERM to SIGKILL when the call has to end it
};

struct RawEnd {
  ExitStatus status;        ///< unknown when the host program reaps all its children, or ignores SIGCHLD
  std::string stderr_tail;  ///< at most RawLaunch::stderr_bytes
};

/// Runs QEMU and returns when it has ended, however it did. To talk to it meanwhile give it a -qmp socket and call this
/// on a thread of its own; examples/raw-launch does. [any thread but the I/O thread] [blocks ≤ deadline, then ≤
/// term_grace and a moment] A call whose deadline passes, or that is cancelled, ends the program, by SIGTERM and then
/// SIGKILL, before it throws. The program ends with this one if that is
/// killed only when `end_with_caller` says so.
///
/// Progress: "spawn", then "run" once the program executes.
/// Errors: invalid_config (an argument or field that cannot be passed on; -daemonize, because QEMU would leave the
/// process that is waited for); not_found, permission_denied (the program, or one of `fds`, or the credentials);
/// timeout, cancelled (with the end of stderr); io_error; wrong_thread.
VISOR_SDK_EXPORT RawEnd launch_qemu(const RawLaunch& launch, const CallContext& call);

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/sdk/export.h"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <utility>

namespace visor::sdk {

/// What tells one process from every other of the same boot: a number alone may be taken again by a stranger.
struct ProcessIdentity {
  pid_t pid = 0;                 ///< 0: no process
  std::uint64_t start_time = 0;  ///< clock ticks from boot to its start: field 22 of /proc/PID/stat (proc(5))

  bool operator==(const ProcessIdentity&) const = default;
};

/// The identity of a process that exists now, a zombie included. [any thread]
VISOR_SDK_EXPORT std::optional<ProcessIdentity> identify(pid_t pid);

/// A descriptor of one process. It never comes to mean another process, even after the pid is taken again.
class VISOR_SDK_EXPORT Pidfd {
 public:
  /// Opens the process and then compares its start time, so a reused pid is never taken for the process.
  /// Empty when the process is gone. [any thread] Errors: permission_denied, io_error.
  static std::optional<Pidfd> open(const ProcessIdentity& identity);

  explicit Pidfd(UniqueFd fd) noexcept;

  /// Pollable: readable once the process has ended.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// Alive means: the descriptor is not readable. A zombie is not alive, whoever has yet to reap it.
  [[nodiscard]] bool alive() const;
  /// Waits until the process has ended; false when the deadline came first. [blocks ≤ deadline]
  [[nodiscard]] bool wait_end(Deadline deadline) const;
  /// Sends a signal; false when the process is gone. Errors: permission_denied, io_error.
  bool send_signal(int signal) const;
  /// Gives the descriptor away.
  [[nodiscard]] UniqueFd release() noexcept { return std::move(fd_); }

 private:
  UniqueFd fd_;
};

/// Whether this very process lives (see Pidfd::alive). [any thread]
VISOR_SDK_EXPORT bool alive(const ProcessIdentity& identity);

/// Signals this very process, never another that took its pid; false when it is gone. [any thread]
VISOR_SDK_EXPORT bool send_signal(const ProcessIdentity& identity, int signal);

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/process/process_identity.hpp"

#include "proc_stat.hpp"
#include "visor/core/error.hpp"
#include "wait.hpp"

#include <poll.h>

#include <cerrno>
#include <string>

namespace visor::sdk {

std::optional<ProcessIdentity> identify(pid_t pid) {
  const auto start_time = pid > 0 ? wire::read_start_time(pid) : std::nullopt;
  if (!start_time) return std::nullopt;
  return ProcessIdentity{pid, *start_time};
}

std::optional<Pidfd> Pidfd::open(const ProcessIdentity& identity) {
  if (identity.pid <= 0) return std::nullopt;
  UniqueFd fd(wire::open_pidfd(identity.pid));
  if (!fd) {
    // EINVAL: the number now belongs to a thread that is no process.
    if (errno == ESRCH || errno == EINVAL) return std::nullopt;
    throw system_error("Cannot watch process " + std::to_string(identity.pid), errno);
  }
  // The order matters: from here on the descriptor cannot change its process, so a matching start time holds.
  if (wire::read_start_time(identity.pid) != identity.start_time) return std::nullopt;
  return Pidfd(std::move(fd));
}

Pidfd::Pidfd(UniqueFd fd) noexcept : fd_{std::move(fd)} {}

bool Pidfd::alive() const { return !wait_end(Deadline::min()); }

bool Pidfd::wait_end(Deadline deadline) const { return wait_for(fd_.get(), POLLIN, deadline); }

bool Pidfd::send_signal(int signal) const {
  if (wire::signal_pidfd(fd_.get(), signal) == 0) return true;
  if (errno == ESRCH) return false;
  throw system_error("Cannot send signal " + std::to_string(signal), errno);
}

bool alive(const ProcessIdentity& identity) {
  const auto process = Pidfd::open(identity);
  return process && process->alive();
}

bool send_signal(const ProcessIdentity& identity, int signal) {
  const auto process = Pidfd::open(identity);
  return process && process->send_signal(signal);
}

}  // namespace visor::sdk

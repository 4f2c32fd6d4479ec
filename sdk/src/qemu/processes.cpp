// SPDX-License-Identifier: Apache-2.0
#include "processes.hpp"

#include "visor/core/error.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace visor::sdk {
namespace {

/// One that may not be signalled does not keep the others from it; that it is alive shows later.
void signal_all(const std::vector<Pidfd>& processes, int signal) {
  for (const auto& process : processes) {
    try {
      process.send_signal(signal);
    } catch (const Error&) {
      continue;
    }
  }
}

bool wait_all(const std::vector<Pidfd>& processes, Deadline deadline) {
  return std::ranges::all_of(processes, [&](const Pidfd& process) { return process.wait_end(deadline); });
}

}  // namespace

Ending end_process(const ProcessIdentity& identity, std::chrono::milliseconds grace, Deadline deadline) {
  const auto process = Pidfd::open(identity);
  if (!process || !process->alive()) return Ending::none;
  if (grace.count() > 0) {
    if (!process->send_signal(SIGTERM)) return Ending::none;
    if (process->wait_end(std::chrono::steady_clock::now() + grace)) return Ending::terminated;
  }
  process->send_signal(SIGKILL);
  return process->wait_end(deadline) ? Ending::killed : Ending::failed;
}

bool end_processes(const std::vector<ProcessIdentity>& identities, std::chrono::milliseconds grace, Deadline deadline) {
  std::vector<Pidfd> processes;
  for (const auto& identity : identities) {
    if (auto process = Pidfd::open(identity)) processes.push_back(*std::move(process));
  }
  if (grace.count() > 0) {
    signal_all(processes, SIGTERM);
    if (wait_all(processes, std::chrono::steady_clock::now() + grace)) return true;
  }
  signal_all(processes, SIGKILL);
  return wait_all(processes, deadline);
}

}  // namespace visor::sdk

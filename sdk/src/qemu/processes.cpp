// SPDX-License-Identifier: Apache-2.0
#include "processes.hpp"

#include <csignal>

namespace visor::sdk {

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

}  // namespace visor::sdk

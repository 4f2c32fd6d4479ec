// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/unique_fd.hpp"
#include "visor/sdk/device/command_line.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace visor::test {

/// For one QEMU; a start takes a fraction of a second.
inline constexpr std::chrono::milliseconds planned_limit{60'000};

/// A QEMU with the command line of a plan. Its listening sockets are made for it, as the keeper does; its vCPUs stand.
/// It is ended with this object, and by the kernel when the test program dies.
class PlannedQemu {
 public:
  /// The sockets become descriptors 3, 4, …; the first is the monitor that is talked to. Throws visor::Error with what
  /// QEMU said when there is no session with it.
  PlannedQemu(const std::string& program, const std::vector<std::string>& arguments,
              const std::vector<std::string>& sockets);
  PlannedQemu(const PlannedQemu&) = delete;
  PlannedQemu& operator=(const PlannedQemu&) = delete;
  ~PlannedQemu();

  [[nodiscard]] sdk::qmp::Client& client() { return *client_; }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// What it has written to stderr.
  [[nodiscard]] std::string said() const;
  /// Tells it to quit; its exit code, or -1 when it did not end so.
  int quit();

 private:
  [[nodiscard]] int wait_end();
  pid_t pid_ = 0;
  UniqueFd pidfd_;
  UniqueFd stderr_;
  std::unique_ptr<sdk::qmp::Client> client_;
};

}  // namespace visor::test

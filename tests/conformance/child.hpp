// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/unique_fd.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace visor::conformance {

/// This very program run again as another process of the host: see run_helper(). Killed and reaped when destroyed.
class Child {
 public:
  explicit Child(const std::vector<std::string>& arguments);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// The next line that it writes, without its end; "" when it has ended. Throws timeout.
  std::string read_line(const CallContext& call);
  /// Closes its input and waits for its end. Returns the exit status, or -1 when a signal ended it.
  int finish();
  /// Ends it with SIGKILL: it can clean up nothing.
  void kill();

 private:
  pid_t pid_ = -1;
  UniqueFd input_;
  UniqueFd output_;
  std::string pending_;
};

/// The other side: `--helper <subject> <command> <run_dir>`. Each command writes one line; those that hold something
/// then wait until their input is closed. Returns the exit status.
///
///   create, create-ephemeral   makes and starts a VM; "running"
///   own                        attaches and takes the owner lock; "owner"
///   status, pause, stop        attaches, does it; the state then
int run_helper(const std::vector<std::string>& arguments);

}  // namespace visor::conformance

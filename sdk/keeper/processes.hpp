// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "capture.hpp"
#include "loop.hpp"
#include "order_codec.hpp"
#include "visor/sdk/process/exit_record.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace visor::keeper {

/// One process in our care.
struct Kept {
  std::string name;
  sdk::ProcessIdentity identity;
  UniqueFd pidfd;
  std::unique_ptr<PipeReader> stderr_reader;  // none when adopted
  std::optional<sdk::ExitStatus> exit;
  std::uint64_t exit_us = 0;
};

/// Starts, adopts, signals and reaps. Index 0 is the main process, then come the helpers.
class Processes {
 public:
  using OnEnd = std::function<void(std::size_t index)>;

  Processes(Loop& loop, OnEnd on_end);
  ~Processes();

  /// Creates all listeners, so that a process may connect to one of a later process at once. Throws Failure.
  void make_listeners(const sdk::KeeperSpec& spec);
  /// Starts one; `passed` are the descriptors that came with the order, `console_fd` the end for FdSource::console.
  void start(const sdk::ProcessSpec& spec, bool main, const std::vector<UniqueFd>& passed, int console_fd);
  /// Lets go of what the children now hold.
  void close_listeners() { listeners_.clear(); }
  void adopt(const std::string& name, const sdk::ProcessIdentity& identity);
  void unlink_at_end(const std::vector<std::string>& paths);

  /// After SIGCHLD: takes every child that ended, strangers inherited from our own included.
  void reap();
  bool send_signal(std::size_t index, int signal);
  /// SIGKILLs what our children left behind; false when there is nothing left.
  bool kill_strays();
  /// For a failed start: ends and reaps everything now. [blocks ≤ 5 s]
  void kill_all();
  void unlink_listeners();

  [[nodiscard]] std::vector<Kept>& all() noexcept { return kept_; }
  [[nodiscard]] Kept& main() noexcept { return kept_.front(); }

 private:
  class EndWatch;
  struct Listener {
    std::string path;
    UniqueFd fd;
  };

  [[nodiscard]] int source_of(const sdk::FdMapping& mapping, const std::vector<UniqueFd>& passed, int console_fd,
                              int stderr_fd) const;
  void ended(std::size_t index, const sdk::ExitStatus& status);

  Loop& loop_;
  OnEnd on_end_;
  UniqueFd null_;
  std::vector<Kept> kept_;
  std::vector<Listener> listeners_;
  std::vector<std::string> unlink_;
  std::vector<std::unique_ptr<EndWatch>> end_watches_;  // adopted processes only
};

}  // namespace visor::keeper

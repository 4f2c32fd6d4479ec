// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "control.hpp"
#include "loop.hpp"
#include "processes.hpp"
#include "visor/sdk/process/exit_record.hpp"

#include <string>

namespace visor::keeper {

/// Ends the main process: the owner is asked, then SIGTERM, then SIGKILL.
///
/// | rung    | leaves it when                                                             |
/// |---------|----------------------------------------------------------------------------|
/// | idle    | begin(), kill()                                                            |
/// | asked   | the owner acknowledged → granted; it left or its time is over → termed      |
/// | granted | its grace is over → termed (an owner may leave after it has acknowledged)   |
/// | termed  | the time is over → killed                                                  |
/// | killed  | –                                                                          |
class Ladder {
 public:
  Ladder(Loop& loop, Processes& processes, Control& control);

  void begin(std::string cause, const StopRequest& request);
  void kill(std::string cause);
  void owner_acknowledged();
  void owner_left();
  /// The main process ended.
  void finish() { timer_.cancel(); }

  [[nodiscard]] bool active() const noexcept { return rung_ != Rung::idle; }
  [[nodiscard]] sdk::EndedBy ended_by() const noexcept;
  [[nodiscard]] const std::string& cause() const noexcept { return cause_; }

 private:
  enum class Rung { idle, asked, granted, termed, killed };
  void term();
  void next();

  Processes& processes_;
  Control& control_;
  Timer timer_;
  Rung rung_ = Rung::idle;
  StopRequest request_;
  std::string cause_;
};

}  // namespace visor::keeper

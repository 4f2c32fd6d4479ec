// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "console.hpp"
#include "control.hpp"
#include "failure.hpp"
#include "journal.hpp"
#include "ladder.hpp"
#include "loop.hpp"
#include "order_codec.hpp"
#include "processes.hpp"

#include <string>
#include <vector>

namespace visor::keeper {

/// The run folder, held by one keeper at a time: the lock is on the folder itself and goes with the process.
class RunFolder {
 public:
  /// Throws Failure: not there, not ours, writable by others, or held.
  explicit RunFolder(std::string path);
  [[nodiscard]] std::string file(const char* name) const { return path_ + '/' + name; }
  /// Writes a file in one step; a full disk loses the file and nothing else.
  void write(const char* name, std::string_view text) const;
  void unlock() { folder_.reset(); }

 private:
  std::string path_;
  UniqueFd folder_;
};

/// All of it, from the order to the end.
class Keeper final : private Service {
 public:
  Keeper(sdk::wire::Order order, std::vector<UniqueFd> passed, UniqueFd lifeline);
  ~Keeper() override;
  /// Returns when everything is over.
  void run();

 private:
  class Signals;
  enum class Phase { watching, ending_helpers, ending_strays, flushing, over };

  void start();
  void launch();
  void undo_start();
  void on_process_end(std::size_t index);
  void on_main_end();
  [[nodiscard]] sdk::ExitRecord make_record();
  void step_end(bool late);
  bool end_helpers(bool late);
  void tell_end();

  sdk::wire::Message status(std::string_view verb) override;
  std::optional<std::string> stderr_tail(std::string_view process) override;
  void stop(const StopRequest& request) override { ladder_.begin("stop", request); }
  void kill() override;
  void commit() override { committed_ = true; }
  void set_ephemeral(bool on) override { ephemeral_ = on; }
  void owner_acknowledged() override { ladder_.owner_acknowledged(); }
  void owner_left() override { ladder_.owner_left(); }
  void lifeline_closed() override;
  void end_by_itself(const char* cause);

  sdk::wire::Order order_;
  std::vector<UniqueFd> passed_;
  UniqueFd lifeline_;
  RunFolder folder_;
  Loop loop_;
  Processes processes_;
  Console console_;
  Journal journal_;
  Control control_;
  Ladder ladder_;
  std::unique_ptr<Signals> signals_;
  Timer end_timer_;

  bool committed_;
  bool ephemeral_;
  Phase phase_ = Phase::watching;
  bool forced_ = false;         // somebody asked for SIGKILL: helpers get no time either
  bool helpers_asked_ = false;  // they got SIGTERM
  int stray_rounds_ = 0;
  std::vector<sdk::HelperExit> helper_exits_;
  sdk::ExitRecord record_;
};

/// Tells the creator why nothing was started.
void report_failure(int lifeline, const Failure& failure);

}  // namespace visor::keeper

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "driver.hpp"
#include "visor/sdk/io_thread.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <functional>
#include <memory>

namespace visor::sdk {

/// Finds out whether QEMU answers, also when nobody asks it anything: by a query-status from time to time, at most one
/// unanswered. It is silent when it owes an answer, whoever asked, and has given none for the limit; any answer ends
/// that. No thread of its own: it lives on timers of the I/O thread.
class Probe {
 public:
  /// Told on the I/O thread when QEMU fell silent (false) and when it answers again (true).
  using Tell = std::function<void(bool responsive)>;

  Probe(const std::shared_ptr<IoThread>& io, ProbeTimes times, Tell tell);
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  ~Probe();

  /// From now on this connection, which has just answered, instead of any before. [any thread]
  void watch(const std::shared_ptr<qmp::Client>& client);
  /// For good; nothing is told any more when it returns. On the I/O thread.
  void stop() noexcept;

 private:
  struct State;
  std::shared_ptr<IoThread> io_;
  std::shared_ptr<State> state_;
};

}  // namespace visor::sdk

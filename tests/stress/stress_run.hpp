// SPDX-License-Identifier: Apache-2.0
// Many threads on many QMP sessions, and the books that show that each call ended once and with its own answer.
#pragma once
#include "echo_peers.hpp"
#include "visor/core/call.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace visor::stress {

struct StressOptions {
  unsigned threads = 8;
  unsigned sessions = 32;
  std::uint64_t commands = 1'000'000;
  std::uint64_t seed = 1;
  std::chrono::seconds watchdog{120};  ///< no step of a thread takes so long
};

/// How the calls of all threads ended.
struct Tally {
  std::atomic<std::uint64_t> begun{0};
  std::atomic<std::uint64_t> ahead{0};        ///< those of them that nobody waits for
  std::atomic<std::uint64_t> completions{0};  ///< of those
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> refused{0};  ///< by the peer
  std::atomic<std::uint64_t> timed_out{0};
  std::atomic<std::uint64_t> cancelled{0};
  std::atomic<std::uint64_t> lost{0};
  std::atomic<std::uint64_t> unsent{0};     ///< ended before they were a session's
  std::atomic<std::uint64_t> ambiguous{0};  ///< may have been unsent
  std::atomic<std::uint64_t> problems{0};
};

class StressRun {
 public:
  explicit StressRun(StressOptions options);
  StressRun(const StressRun&) = delete;
  StressRun& operator=(const StressRun&) = delete;
  ~StressRun();

  /// Makes all commands and says what became of them. True when all is as it must be.
  bool run();

 private:
  struct Worker {
    std::mt19937_64 random;
    std::mutex mutex;  // guards source
    std::shared_ptr<CancelSource> source = std::make_shared<CancelSource>();
    std::atomic<std::int64_t> step_begun{0};  // 0 while it is between steps
  };
  struct Slot {
    std::mutex mutex;
    std::shared_ptr<sdk::qmp::Client> client;
  };

  void work(Worker& worker);
  void step(Worker& worker);
  void call_and_wait(Worker& worker, sdk::qmp::Client& client);
  void call_ahead(Worker& worker, sdk::qmp::Client& client);
  void cancel_someone(Worker& worker);
  void watch(const std::atomic<bool>& over);
  std::shared_ptr<sdk::qmp::Client> client_of(Slot& slot);
  void replace(Slot& slot, const std::shared_ptr<sdk::qmp::Client>& client);
  void close_books(const sdk::qmp::Client& client);
  enum class Made { blocking, ahead, refused };
  void account(std::uint64_t payload, const sdk::qmp::Outcome& outcome, Made made);
  void problem(const std::string& text);
  bool check_books();

  const StressOptions options_;
  std::atomic<std::uint64_t> next_{0};
  Tally tally_;
  std::mutex mutex_;  // guards sums_
  sdk::qmp::Counters sums_;
  std::shared_ptr<sdk::IoThread> io_ = sdk::IoThread::shared();
  EchoPeers peers_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Slot>> slots_;
};

}  // namespace visor::stress

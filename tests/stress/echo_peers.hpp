// SPDX-License-Identifier: Apache-2.0
// Cheap peers for QMP clients: one thread answers all sessions, each command with its own payload, and does to the
// stream whatever a peer may.
#pragma once
#include "visor/core/unique_fd.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>

namespace visor::stress {

/// How often a peer does what, one in so many commands.
struct PeerHabits {
  unsigned event = 4;      ///< an event before or after the answer
  unsigned refuse = 16;    ///< an error for an answer, with the payload in its text
  unsigned silent = 512;   ///< no answer at all
  unsigned kill = 2048;    ///< the connection is closed instead
  unsigned reorder = 8;    ///< the answer waits behind the next one
  unsigned dribble = 256;  ///< what is to be sent goes out in two pieces
};

/// Answers {"execute":"echo","arguments":{"n":N},"id":I} with {"return":{"n":N},"id":I}, and anything else with
/// {"return":{}}.
class EchoPeers {
 public:
  EchoPeers(std::uint64_t seed, PeerHabits habits);
  EchoPeers(const EchoPeers&) = delete;
  EchoPeers& operator=(const EchoPeers&) = delete;
  ~EchoPeers();

  /// The client's end of a new session; it is greeted already. [any thread]
  UniqueFd connect();
  [[nodiscard]] std::uint64_t killed() const noexcept { return killed_; }
  [[nodiscard]] std::uint64_t events() const noexcept { return events_; }

 private:
  struct Peer {
    UniqueFd fd;
    std::string input;
    std::string output;
    std::string held;  // an answer that waits for the next
    bool negotiated = false;
  };

  void run();
  bool serve(Peer& peer, std::uint32_t ready);
  bool read_from(Peer& peer);
  bool obey(Peer& peer, std::string_view line);
  bool flush(Peer& peer);
  void add_event(Peer& peer);
  bool one_in(unsigned n) { return n != 0 && random_() % n == 0; }

  const PeerHabits habits_;
  std::mt19937_64 random_;  // the thread's own
  std::mutex mutex_;        // guards peers_
  std::map<int, std::unique_ptr<Peer>> peers_;
  UniqueFd epoll_;
  UniqueFd stop_;
  std::atomic<std::uint64_t> killed_{0};
  std::atomic<std::uint64_t> events_{0};
  std::thread thread_;
};

}  // namespace visor::stress

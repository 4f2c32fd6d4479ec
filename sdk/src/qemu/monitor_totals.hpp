// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace visor::sdk {

/// What a handle's connections to the monitor did, of which several may be open at a time. [any thread]
/// [nothing blocks]
class MonitorTotals {
 public:
  /// Counts a new connection. Whoever follows one leaves it before the client is let go of.
  void follow(const std::shared_ptr<qmp::Client>& client);
  /// This client is about to be let go of; nothing that it counts from now on is added.
  void leave(const qmp::Client& client);
  /// The sums, as QmpStatsExtension has them.
  [[nodiscard]] Value read() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::weak_ptr<qmp::Client>> clients_;
  std::uint64_t connections_ = 0;
  qmp::Counters counters_;
  qmp::LatencyHistogram latency_;
};

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <cstdint>
#include <memory>
#include <mutex>

namespace visor::sdk {

/// What a handle's connections to the monitor did, one after the other. [any thread] [nothing blocks]
class MonitorTotals {
 public:
  /// A new connection takes the place of the one before.
  void follow(const std::shared_ptr<qmp::Client>& client);
  /// This client is about to be let go of.
  void leave(const qmp::Client& client);
  /// The sums, as QmpStatsExtension has them.
  [[nodiscard]] Value read() const;

 private:
  void keep_locked(const qmp::Client& client);

  mutable std::mutex mutex_;
  std::weak_ptr<qmp::Client> current_;
  std::uint64_t connections_ = 0;
  qmp::Counters counters_;
  qmp::LatencyHistogram latency_;
};

}  // namespace visor::sdk

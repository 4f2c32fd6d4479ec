// SPDX-License-Identifier: Apache-2.0
#include "monitor_totals.hpp"

namespace visor::sdk {
namespace {

Value to_value(const qmp::Counters& counters) {
  return Value::map({{"sent", counters.sent},
                     {"replied", counters.replied},
                     {"errors", counters.errors},
                     {"timed_out", counters.timed_out},
                     {"cancelled", counters.cancelled},
                     {"withdrawn", counters.withdrawn},
                     {"late", counters.late},
                     {"unknown_ids", counters.unknown_ids},
                     {"unknown_objects", counters.unknown_objects},
                     {"events", counters.events},
                     {"dropped", counters.dropped},
                     {"callback_failures", counters.callback_failures},
                     {"bytes_in", counters.bytes_in},
                     {"bytes_out", counters.bytes_out}});
}

Value to_value(const qmp::LatencyHistogram& latency) {
  auto buckets = Value::list();
  for (const auto bucket : latency.buckets) buckets.push_back(bucket);
  return Value::map({{"count", latency.count},
                     {"total", latency.total_us},
                     {"longest", latency.longest_us},
                     {"buckets", std::move(buckets)}});
}

}  // namespace

void MonitorTotals::follow(const std::shared_ptr<qmp::Client>& client) {
  const std::scoped_lock lock{mutex_};
  clients_.push_back(client);
  ++connections_;
}

void MonitorTotals::leave(const qmp::Client& client) {
  const std::scoped_lock lock{mutex_};
  const auto erased = std::erase_if(clients_, [&](const auto& other) { return other.lock().get() == &client; });
  if (erased == 0) return;
  counters_ += client.counters();
  latency_ += client.latency();
}

// What is locked for a moment is never the last reference: its owner has yet to come through leave().
Value MonitorTotals::read() const {
  const std::scoped_lock lock{mutex_};
  auto counters = counters_;
  auto latency = latency_;
  for (const auto& other : clients_) {
    const auto client = other.lock();
    if (!client) continue;
    counters += client->counters();
    latency += client->latency();
  }
  return Value::map(
      {{"connections", connections_}, {"counters", to_value(counters)}, {"latency_us", to_value(latency)}});
}

}  // namespace visor::sdk

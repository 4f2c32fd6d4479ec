// SPDX-License-Identifier: Apache-2.0
// How a connection passes events on, and counts.
#include "connection.hpp"

#include <algorithm>
#include <utility>

namespace visor::sdk::qmp {

std::shared_ptr<EventQueue> Client::Connection::subscribe(std::vector<std::string> names, std::size_t capacity) {
  auto queue = std::make_shared<EventQueue>(capacity);
  const std::scoped_lock lock{mutex_};
  if (session_.ended()) {
    queue->close();
  } else {
    subscriptions_.push_back({queue, std::move(names)});
  }
  return queue;
}

std::vector<std::shared_ptr<EventQueue>> Client::Connection::receivers(const Event& event, bool all) {
  std::vector<std::shared_ptr<EventQueue>> queues;
  const std::scoped_lock lock{mutex_};
  std::erase_if(subscriptions_, [&](const Subscription& subscription) {
    auto queue = subscription.queue.lock();
    if (!queue) return true;
    const auto& names = subscription.names;
    if (all || names.empty() || std::find(names.begin(), names.end(), event.name) != names.end()) {
      queues.push_back(std::move(queue));
    }
    return false;
  });
  return queues;
}

void Client::Connection::publish(const Event& event) {
  std::uint64_t dropped = 0;
  for (const auto& queue : receivers(event, false)) {
    const auto before = queue->dropped();
    queue->push(event);
    dropped += queue->dropped() - before;
  }
  bool threw = false;
  try {
    if (options_.on_event) options_.on_event(event);
  } catch (...) {
    threw = true;
  }
  if (dropped == 0 && !threw) return;
  const std::scoped_lock lock{mutex_};
  dropped_ += dropped;
  callback_failures_ += threw ? 1U : 0U;
}

Counters Client::Connection::counters() const {
  const std::scoped_lock lock{mutex_};
  auto result = session_.counters;
  result.dropped = dropped_;
  result.callback_failures = callback_failures_;
  return result;
}

}  // namespace visor::sdk::qmp

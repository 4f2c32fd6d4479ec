// SPDX-License-Identifier: Apache-2.0
#include "unplug_watch.hpp"

#include "quiet_thread.hpp"
#include "visor/core/error.hpp"

#include <chrono>
#include <exception>
#include <utility>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

// A stop waits a second for the operation that is under way, and then ends the VM by force.
constexpr auto settle_limit = 300ms;
constexpr auto try_again = 1s;
constexpr auto idle = 1h;

}  // namespace

UnplugWatch::UnplugWatch(std::shared_ptr<EventQueue> events, std::function<void(const CallContext&)> settle)
    : events_{std::move(events)}, settle_{std::move(settle)} {
  thread_ = start_quiet_thread([this] { run(); }, "Cannot start the thread that waits for devices to go");
}

UnplugWatch::~UnplugWatch() {
  over_.cancel();
  thread_.join();
}

CallContext UnplugWatch::until(std::chrono::milliseconds limit) const {
  return {std::chrono::steady_clock::now() + limit, over_.token()};
}

/// False when a little later may do better: another operation is under way, or something is still in use.
bool UnplugWatch::settle() {
  try {
    settle_(until(settle_limit));
  } catch (const Error& error) {
    return error.code() != Errc::timeout;
  } catch (const std::exception&) {  // no memory, say; the next operation settles it
  }
  return true;
}

void UnplugWatch::run() {
  bool due = true;
  while (!over_.token().cancelled()) {
    if (due) due = !settle();
    try {
      const auto event = events_->next(until(due ? try_again : idle));
      if (!event) return;  // the VM has ended
      due = due || event->kind == EventKind::device_removed || event->kind == EventKind::resynced;
    } catch (const Error&) {  // the time is over
    }
  }
}

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#include "unplug_watch.hpp"

#include "quiet_thread.hpp"
#include "visor/core/error.hpp"

#include <chrono>
#include <exception>
#include <optional>
#include <utility>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

constexpr auto settle_limit = 10s;

}  // namespace

UnplugWatch::UnplugWatch(std::shared_ptr<EventQueue> events, std::function<void(const CallContext&)> settle)
    : events_{std::move(events)}, settle_{std::move(settle)} {
  thread_ = start_quiet_thread([this] { run(); }, "Cannot start the thread that waits for devices to go");
}

UnplugWatch::~UnplugWatch() {
  over_.cancel();
  thread_.join();
}

void UnplugWatch::run() {
  const auto until = [this](auto limit) {
    return CallContext{std::chrono::steady_clock::now() + limit, over_.token()};
  };
  bool due = true;
  while (true) {
    try {
      if (due) settle_(until(settle_limit));
      const auto event = events_->next(until(1h));
      if (!event) return;  // the VM has ended
      due = event->kind == EventKind::device_removed || event->kind == EventKind::resynced;
    } catch (const Error&) {
      due = false;
      if (over_.token().cancelled()) return;
    } catch (const std::exception&) {
      due = false;  // no memory, say; the next operation settles it
    }
  }
}

}  // namespace visor::sdk

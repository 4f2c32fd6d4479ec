// SPDX-License-Identifier: Apache-2.0
#include "link.hpp"

#include "exit.hpp"

#include <algorithm>
#include <utility>

namespace uml {

using visor::sdk::KeeperEvent;

Link::Link(visor::sdk::Keeper keeper, Mconsole mconsole, std::shared_ptr<visor::sdk::VmTracker> tracker)
    : mconsole_{std::move(mconsole)}, tracker_{std::move(tracker)}, keeper_{std::move(keeper)} {
  // On the I/O thread, where the callbacks run: so none runs before the watch is stored.
  io_->run_and_wait([this] { keeper_watch_ = io_->watch_readable(keeper_->fd(), [this] { on_keeper(); }); });
}

Link::Link(visor::sdk::Pidfd process, Mconsole mconsole, std::shared_ptr<visor::sdk::VmTracker> tracker)
    : mconsole_{std::move(mconsole)}, tracker_{std::move(tracker)} {
  io_->run_and_wait([&] { watch_process(std::move(process)); });
}

Link::~Link() {
  io_->run_and_wait([this] {
    keeper_watch_.reset();
    process_watch_.reset();
    halt_timer_.reset();
  });
}

void Link::set_guest_grace(std::optional<std::chrono::milliseconds> grace) noexcept {
  guest_grace_ms_ = grace ? grace->count() : -1;
}

void Link::watch_process(visor::sdk::Pidfd process) {
  process_ = std::move(process);
  process_watch_ = io_->watch_readable(process_->fd(), [this] {
    process_watch_.reset();
    tracker_->on_exit(explain_unwitnessed(*tracker_));
  });
}

void Link::on_keeper() {
  while (const auto event = keeper_->poll_event()) {
    if (event->kind == KeeperEvent::Kind::stop_request) on_stop_request(event->grace);
    if (event->kind == KeeperEvent::Kind::exited) {
      keeper_watch_.reset();
      tracker_->on_exit(event->exit ? explain(*event->exit) : explain_unwitnessed(*tracker_));
      return;
    }
    if (event->kind == KeeperEvent::Kind::disconnected) {
      keeper_watch_.reset();
      on_keeper_lost();
      return;
    }
  }
}

void Link::on_keeper_lost() {
  if (auto process = visor::sdk::Pidfd::open(keeper_->main_process().identity)) {
    watch_process(std::move(*process));
  } else {
    tracker_->on_exit(explain_unwitnessed(*tracker_));
  }
}

/// The rungs that only a plugin knows. Should they not help, the keeper goes on with signals by itself.
void Link::on_stop_request(std::chrono::milliseconds grace) {
  keeper_->acknowledge_stop();
  tracker_->expect_stop();
  // A guest that stands still can neither power itself off nor be halted: User-Mode Linux would abort.
  mconsole_.tell("go");
  mconsole_.tell("cad");
  const auto asked = guest_grace_ms_.load();
  const auto wait = asked < 0 ? grace * 3 / 4 : std::min(grace, std::chrono::milliseconds{asked});
  halt_timer_ = io_->timer([this] {
    halted_ = true;
    mconsole_.tell("halt");
  });
  halt_timer_.set(std::chrono::steady_clock::now() + wait);
}

}  // namespace uml

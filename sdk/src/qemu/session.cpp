// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

#include "exit_cause.hpp"
#include "qmp_events.hpp"
#include "visor/core/error.hpp"

#include <utility>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

/// Long enough for a lost monitor's cause to arrive: the keeper first drains stderr and reaps.
constexpr auto cause_wait = 2s;

}  // namespace

Session::Session(std::shared_ptr<const Driver> driver, std::string id, std::shared_ptr<VmTracker> tracker,
                 Keeper keeper)
    : driver_{std::move(driver)}, id_{std::move(id)}, tracker_{std::move(tracker)}, keeper_{std::move(keeper)} {
  // On the I/O thread, where the callbacks run: so none runs before the watch is stored.
  io_->run_and_wait([this] { keeper_watch_ = io_->watch_readable(keeper_->fd(), [this] { on_keeper_readable(); }); });
}

Session::Session(std::shared_ptr<const Driver> driver, std::string id, std::shared_ptr<VmTracker> tracker,
                 Pidfd hypervisor)
    : driver_{std::move(driver)}, id_{std::move(id)}, tracker_{std::move(tracker)} {
  io_->run_and_wait([&] { watch_process(std::move(hypervisor)); });
}

Session::~Session() {
  io_->run_and_wait([this] {
    journal_watch_.reset();
    keeper_watch_.reset();
    process_watch_.reset();
    quit_timer_.reset();
  });
  client_.reset();  // waits for a callback of its own
}

/// On the I/O thread.
void Session::watch_process(Pidfd hypervisor) {
  hypervisor_ = std::move(hypervisor);
  process_watch_ = io_->watch_readable(hypervisor_->fd(), [this] { on_hypervisor_gone(); });
}

void Session::connect_monitor(const std::string& path, const CallContext& call) {
  qmp::ClientOptions options;
  options.peer = "QEMU of VM '" + id_ + "'";
  options.io = io_;
  options.on_event = [this](const Event& event) {
    auto copy = event;
    give_meaning(copy);
    tracker_->on_event(copy);
  };
  options.loss_cause = [this](Deadline deadline) -> std::string {
    const auto exit = tracker_->exit_by(deadline);
    return exit ? exit->text : std::string{};
  };
  options.cause_wait = cause_wait;
  auto client = qmp::Client::connect(path, std::move(options), call);
  io_->run_and_wait([&] { client_ = std::move(client); });
}

void Session::follow_journal(std::uint64_t from, const CallContext& call) {
  journal_ = JournalStream::open(keeper_->run_dir(), from, call.deadline());
  io_->run_and_wait(
      [this] { journal_watch_ = io_->watch_readable(journal_->fd(), [this] { on_journal_readable(); }); });
}

qmp::Client& Session::client() const {
  if (!client_) throw Error(Errc::disconnected, "VM '" + id_ + "': not connected to QEMU");
  return *client_;
}

void Session::on_keeper_readable() {
  while (const auto event = keeper_->poll_event()) {
    switch (event->kind) {
      case KeeperEvent::Kind::stop_request:
        on_stop_request(event->grace);
        break;
      case KeeperEvent::Kind::helper_exited:
        driver_->log(LogLevel::warning, id_, "A helper process ended: " + event->helper->name);
        break;
      case KeeperEvent::Kind::exited:
        keeper_watch_.reset();
        tracker_->on_exit(event->exit ? explain_exit(*event->exit) : unwitnessed_exit());
        return;
      case KeeperEvent::Kind::disconnected:
        keeper_watch_.reset();
        on_keeper_lost();
        return;
    }
  }
}

void Session::on_keeper_lost() {
  driver_->log(LogLevel::warning, id_, "The keeper died; the VM runs on, its stderr is lost from now on");
  auto process = Pidfd::open(keeper_->main_process().identity);
  if (process) {
    watch_process(std::move(*process));
  } else {
    tracker_->on_exit(unwitnessed_exit());
  }
}

void Session::on_hypervisor_gone() {
  process_watch_.reset();
  tracker_->on_exit(unwitnessed_exit());
}

void Session::on_journal_readable() {
  try {
    while (const auto entry = journal_->next(std::chrono::steady_clock::now())) {
      if (auto event = event_from_line(entry->line)) tracker_->on_event(*event);
    }
  } catch (const Error&) {
    journal_watch_.reset();  // the keeper is gone; its own watch says what that means
  }
}

/// Another process asked the keeper to stop the VM: walk the guest's and QEMU's rungs; the keeper does the rest when
/// the grace is over.
void Session::on_stop_request(std::chrono::milliseconds grace) {
  if (!client_) return;  // no answer: the keeper goes on by itself
  keeper_->acknowledge_stop();
  driver_->log(LogLevel::info, id_, "Another process asked to stop the VM");
  const auto ignore = [](const qmp::Outcome&) {};
  const auto deadline = std::chrono::steady_clock::now() + grace;
  client_->call_async({.name = "system_powerdown"}, deadline, ignore);
  quit_timer_ = io_->timer([this, deadline, ignore] { client_->call_async({.name = "quit"}, deadline, ignore); });
  quit_timer_.set(std::chrono::steady_clock::now() + grace * 3 / 4);
}

}  // namespace visor::sdk

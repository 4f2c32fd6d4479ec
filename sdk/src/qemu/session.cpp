// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

#include "exit_cause.hpp"
#include "helpers.hpp"
#include "qmp_events.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/exit.hpp"

#include <utility>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

/// Long enough for a lost monitor's cause to arrive: the keeper first drains stderr and reaps.
constexpr auto cause_wait = 2s;
/// For what QEMU's monitor still holds, or for another handle's keeper to write down the end.
constexpr auto last_words = 200ms;
constexpr auto quit_limit = 5s;

}  // namespace

qmp::ClientOptions client_options(const SessionContext& context) {
  qmp::ClientOptions options;
  options.peer = "QEMU of VM '" + context.id + "'";
  options.loss_cause = [tracker = context.tracker](Deadline deadline) -> std::string {
    const auto exit = tracker->exit_by(deadline);
    return exit ? exit->text : std::string{};
  };
  options.cause_wait = cause_wait;
  options.log = qmp::make_qmp_log(context.driver->host.log, context.id);
  return options;
}

Session::Session(SessionContext context, Keeper keeper)
    : context_{std::move(context)},
      keeper_{std::move(keeper)},
      probe_{io_, context_.driver->probe, [this](bool responsive) { on_responsive(responsive); }} {
  // On the I/O thread, where the callbacks run: so none runs before the watch is stored.
  io_->run_and_wait([this] { keeper_watch_ = io_->watch_readable(keeper_->fd(), [this] { on_keeper_readable(); }); });
}

Session::Session(SessionContext context, Pidfd hypervisor)
    : context_{std::move(context)}, probe_{io_, context_.driver->probe, {}} {
  io_->run_and_wait([&] { watch_process(std::move(hypervisor)); });
}

Session::~Session() {
  quiesce();
  if (client_) context_.totals->leave(*client_);
  client_.reset();  // waits for a callback of its own
}

void Session::quiesce() {
  io_->run_and_wait([this] {
    quiet_ = true;
    journal_watch_.reset();
    keeper_watch_.reset();
    process_watch_.reset();
    probe_.stop();
    quit_timer_.reset();
    last_words_timer_.reset();
    helpers_timer_.reset();
  });
}

/// On the I/O thread.
void Session::watch_process(Pidfd hypervisor) {
  hypervisor_ = std::move(hypervisor);
  process_watch_ = io_->watch_readable(hypervisor_->fd(), [this] { on_unwitnessed_end(); });
}

void Session::connect_monitor(const std::string& path, const CallContext& call) {
  auto options = client_options(context_);
  options.io = io_;
  options.on_event = [this](const Event& event) {
    if (quiet_) return;
    follow_shutdown(event);
    context_.unplugs->hear(event);  // before anybody is told: the device is gone then
    end_what_only_paused(event);
    auto copy = event;
    give_meaning(copy);
    context_.feed->live(copy);
  };
  options.on_lost = [this](const qmp::QmpError&) {
    if (ended_ && !quiet_) tell_unwitnessed_end();
  };
  std::shared_ptr<qmp::Client> client = qmp::Client::connect(path, std::move(options), call);
  context_.totals->follow(client);
  context_.tracker->on_responsive(true);  // it has just answered
  probe_.watch(client);
  {
    const std::scoped_lock lock{mutex_};
    client_.swap(client);
  }
  if (client) context_.totals->leave(*client);  // the old one
}

void Session::on_responsive(bool responsive) {
  if (quiet_) return;
  const auto level = responsive ? LogLevel::info : LogLevel::warning;
  context_.driver->log(level, context_.id, responsive ? "QEMU answers again" : "QEMU does not respond");
  context_.tracker->on_responsive(responsive);
}

void Session::follow_journal(std::uint64_t from, const CallContext& call) {
  journal_ = JournalStream::open(keeper_->run_dir(), from, call);
  io_->run_and_wait(
      [this] { journal_watch_ = io_->watch_readable(journal_->fd(), [this] { on_journal_readable(); }); });
}

void Session::leave_journal() {
  io_->run_and_wait([this] { journal_watch_.reset(); });
}

std::shared_ptr<qmp::Client> Session::monitor() const noexcept {
  const std::scoped_lock lock{mutex_};
  return client_;
}

bool Session::lost_monitor() const {
  const auto client = monitor();
  return client && client->failure();
}

std::shared_ptr<qmp::Client> Session::client() const {
  if (auto client = monitor()) return client;
  throw Error(Errc::disconnected, "VM '" + context_.id + "': not connected to QEMU");
}

void Session::on_keeper_readable() {
  while (const auto event = keeper_->poll_event()) {
    switch (event->kind) {
      case KeeperEvent::Kind::stop_request:
        on_stop_request(event->grace);
        break;
      case KeeperEvent::Kind::helper_exited:
        on_helper_exited(*event->helper);
        break;
      case KeeperEvent::Kind::exited:
        keeper_watch_.reset();
        context_.tracker->on_exit(event->exit ? explain_exit(*event->exit) : explain_unwitnessed(*context_.tracker));
        return;
      case KeeperEvent::Kind::disconnected:
        keeper_watch_.reset();
        on_keeper_lost();
        return;
    }
  }
}

/// The guest's device is dead from now on; whether the VM is of use without it is not for the driver to say. A helper
/// ends by itself when QEMU lets go of its socket, which is a moment before QEMU's own end: that is nothing to tell.
void Session::on_helper_exited(HelperExit helper) {
  const bool well = ended_well(helper.status);
  ended_helpers_.push_back(std::move(helper));
  if (!well) return tell_helpers();
  helpers_timer_ = io_->timer([this] { tell_helpers(); });
  helpers_timer_.set(std::chrono::steady_clock::now() + last_words);
}

void Session::tell_helpers() {
  for (const auto& helper : std::exchange(ended_helpers_, {})) {
    if (shutting_down_ || context_.tracker->exit()) continue;
    context_.driver->log(LogLevel::warning, context_.id,
                         "The helper " + end_of_helper(helper.name, helper.status, helper.stderr_tail));
    Event event;
    event.kind = EventKind::helper_exited;
    event.name = to_string(event.kind);
    event.time = std::chrono::system_clock::time_point{std::chrono::microseconds{helper.time_us}};
    event.data = Value::map(
        {{"helper", helper.name}, {"status", helper.status.text()}, {"stderr", stderr_excerpt(helper.stderr_tail)}});
    context_.tracker->on_event(event);
  }
}

void Session::follow_shutdown(const Event& event) {
  if (event.name == "SHUTDOWN") shutting_down_ = true;
  if (event.name == "RESET" || event.name == "RESUME") shutting_down_ = false;  // the policy kept it
}

/// QEMU has one answer to all that ends a guest: told to pause when it powers off, it only pauses as well when a reset
/// or a panic is to be the end.
void Session::end_what_only_paused(const Event& event) {
  const auto& policy = context_.policy;
  if (policy.on_shutdown != ShutdownPolicy::pause) return;
  const auto* const reason = event.name == "SHUTDOWN" ? event.data.find("reason") : nullptr;
  const bool reset = reason != nullptr && *reason == Value{"guest-reset"};
  const bool panicked = event.name == "GUEST_PANICKED" && policy.on_panic == PanicPolicy::stop;
  const auto client = monitor();
  if (!client || !(reset || panicked)) return;
  client->call_async({.name = "quit"}, std::chrono::steady_clock::now() + quit_limit, [](const qmp::Outcome&) {});
}

void Session::on_keeper_lost() {
  context_.driver->log(LogLevel::warning, context_.id,
                       "The keeper died; the VM runs on, its stderr is lost from now on");
  auto process = Pidfd::open(keeper_->main_process().identity);
  if (process) {
    watch_process(std::move(*process));
  } else {
    on_unwitnessed_end();
  }
}

/// QEMU's last events are read before its end is told: they say whether the guest wanted it.
void Session::on_unwitnessed_end() {
  process_watch_.reset();
  ended_ = true;
  const auto client = monitor();
  if (client && client->failure()) return tell_unwitnessed_end();
  last_words_timer_ = io_->timer([this] { tell_unwitnessed_end(); });
  last_words_timer_.set(std::chrono::steady_clock::now() + last_words);
}

void Session::tell_unwitnessed_end() {
  // One small file, once: another handle may have started a keeper that saw the end.
  const auto kept = read_exit_record(context_.run_dir.string());
  context_.tracker->on_exit(kept ? explain_exit(*kept) : explain_unwitnessed(*context_.tracker));
}

void Session::on_journal_readable() {
  try {
    while (const auto entry = journal_->next(std::chrono::steady_clock::now())) {
      const auto event = event_from_line(entry->line);
      if (!event) continue;
      follow_shutdown(*event);
      context_.feed->live(*event);
    }
  } catch (const Error& error) {
    journal_watch_.reset();
    if (error.code() == Errc::disconnected) return;  // the keeper is gone; its own watch says what that means
    context_.driver->log(LogLevel::warning, context_.id, "Its events are not followed: " + error.message());
  }
}

/// Another process asked the keeper to stop the VM: walk the guest's and QEMU's rungs; the keeper does the rest when
/// the grace is over.
void Session::on_stop_request(std::chrono::milliseconds grace) {
  const auto client = monitor();
  if (!client || client->failure()) return;  // no answer: the keeper goes on by itself
  keeper_->acknowledge_stop();
  context_.tracker->expect_stop();
  context_.driver->log(LogLevel::info, context_.id, "Another process asked to stop the VM");
  const auto ignore = [](const qmp::Outcome&) {};
  const auto deadline = std::chrono::steady_clock::now() + grace;
  client->call_async({.name = "system_powerdown"}, deadline, ignore);
  quit_timer_ = io_->timer([this, deadline, ignore] { monitor()->call_async({.name = "quit"}, deadline, ignore); });
  quit_timer_.set(std::chrono::steady_clock::now() + grace * 3 / 4);
}

}  // namespace visor::sdk

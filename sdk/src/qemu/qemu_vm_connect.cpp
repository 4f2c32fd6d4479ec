// SPDX-License-Identifier: Apache-2.0
// How a handle reaches a VM: as its owner, or only to watch.
#include "qemu_vm.hpp"

#include "helpers.hpp"
#include "processes.hpp"
#include "qmp_events.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/process/reaper.hpp"
#include "visor/sdk/qmp/commands.hpp"

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view journal_hello = "{\"execute\":\"qmp_capabilities\"}\n";
constexpr std::uint64_t mib = std::uint64_t{1} << 20U;

Event panic_event() {
  Event event;
  event.kind = EventKind::guest_panicked;
  event.name = to_string(event.kind);
  event.time = std::chrono::system_clock::now();
  return event;
}

bool is_gone(const Error& error) { return error.code() == Errc::not_found || error.code() == Errc::disconnected; }

}  // namespace

WatchSpec watch_spec(const std::filesystem::path& run_dir, const VmConfig& config) {
  WatchSpec watch;
  if (config.console.type != ConsoleType::none) {
    watch.console.connect_path = (run_dir / plan::console_chardev_socket).string();
    watch.console.capture.log_path = (run_dir / "console.log").string();
    watch.console.capture.log_bytes = config.console.log_limit_mib * mib;
  }
  watch.journal.sources = {{.name = "qmp",
                            .connect_path = (run_dir / plan::keeper_monitor_socket).string(),
                            .send_on_connect = std::string{journal_hello}}};
  return watch;
}

std::vector<std::string> listener_paths(const std::filesystem::path& run_dir, const VmConfig& config) {
  std::vector<std::string> paths;
  for (const auto name : {plan::owner_socket, plan::observer_socket, plan::keeper_monitor_socket}) {
    paths.push_back((run_dir / name).string());
  }
  if (config.console.type != ConsoleType::none) paths.push_back((run_dir / plan::console_chardev_socket).string());
  for (const auto& device : config.devices) {
    const auto* const share = std::get_if<ShareConfig>(&device);
    if (share != nullptr && is_virtio_fs(config, *share)) paths.push_back(plan::fs_socket(*share, run_dir));
    if (const auto* port = std::get_if<SerialPortConfig>(&device)) paths.push_back(plan::port_socket(*port, run_dir));
  }
  return paths;
}

std::shared_ptr<Session> QemuVm::replace_session(std::shared_ptr<Session> session) {
  const bool let_go = session == nullptr;
  std::unique_lock lock{mutex_};
  auto old = std::exchange(session_, std::move(session));
  lock.unlock();
  if (let_go) tracker_->interrupt();
  return old;
}

bool QemuVm::keeper_lives() const { return alive(identity_of(record().keeper)); }

void QemuVm::own(std::string_view operation, const CallContext& call) {
  const auto session = this->session();
  if (lock_ && session && session->has_monitor()) {
    if (auto* keeper = session->keeper()) keeper->set_operation(operation);
    if (session->lost_monitor() && !known_exit()) reconnect_monitor(*session, call);
    return;
  }
  take_lock(operation, call);
  if (launched() && !known_exit()) connect_owner(call);
}

void QemuVm::take_lock(std::string_view operation, const CallContext& call) {
  if (lock_) return;
  auto owner = OwnerLock::acquire(run_dir_, operation, call);
  auto record = read_record(run_dir_);  // an earlier owner may have started it since
  const std::scoped_lock lock{mutex_};
  lock_ = std::move(owner);
  record_ = std::move(record);
}

/// The keeper of a live VM; a new one when the first has died.
Keeper QemuVm::reach_keeper(const CallContext& call) {
  try {
    return Keeper::attach(run_dir_.string(), call);
  } catch (const Error& error) {
    if (!is_gone(error) || keeper_lives()) throw;
  }
  const auto record = this->record();
  AdoptSpec spec;
  spec.main = {"qemu", identity_of(record.hypervisor)};
  spec.helpers = helpers_of(record);
  spec.watch = watch_spec(run_dir_, record.config);
  spec.listeners = listener_paths(run_dir_, record.config);
  driver_->log(LogLevel::warning, id_, "The VM's keeper had died; a new one takes over, its stderr is lost");
  auto keeper =
      Keeper::adopt(spec, {.keeper_path = driver_->host.keeper_path, .run_dir = run_dir_.string(), .call = call});
  {
    const std::scoped_lock lock{mutex_};
    record_.keeper = {keeper.identity().pid, keeper.identity().start_time};
  }
  store_record();
  return keeper;
}

/// First the monitor, then the journal: what comes in between is in both, and told once.
void QemuVm::connect_owner(const CallContext& call) {
  const auto pass = watch_gate_.enter(call, "a connection to the VM");  // no other session is made meanwhile
  auto keeper = reach_keeper(call);
  keeper.hello(KeeperRole::owner, "attached", call);
  std::shared_ptr<Session> session;
  {
    const auto hold = feed_->hold();
    auto connected = std::make_shared<Session>(session_context(), std::move(keeper));  // one that fails goes first
    connected->connect_monitor(socket_path(plan::owner_socket), call);
    (void)feed_past(*connected, call);
    // Only now: if this fails, the session that watches is still all there is.
    if (const auto watching = this->session()) watching->leave_journal();
    session = std::move(connected);
  }
  const auto old = replace_session(session);
  resync(*session, call);
}

void QemuVm::resync(const Session& session, const CallContext& call) {
  Event event;
  event.kind = EventKind::resynced;
  event.name = to_string(event.kind);
  event.time = std::chrono::system_clock::now();
  try {
    const auto client = session.client();
    const auto limited = call.at_most(2000ms);
    const auto status = qmp::query_status(*client, limited);
    const auto vcpus = qmp::query_cpus_fast(*client, limited).size();
    // A monitor has no events of the time before it was negotiated, and the keeper's may have missed this one too.
    if (status.status == "guest-panicked" && !tracker_->panicked()) tracker_->on_event(panic_event());
    end_what_only_paused(*client, status.status);
    event.data = Value::map({{"status", status.status},
                             {"state", to_string(status.running ? VmState::running : VmState::paused)},
                             {"vcpus", vcpus}});
  } catch (const Error& error) {  // whatever is asked next says so, too
    driver_->log(LogLevel::debug, id_, "Nothing is known of the VM over the new connection: " + error.message());
  }
  if (const auto lost = feed_->take_lost(); lost != 0) event.data.set("lost", lost);
  tracker_->on_event(event);
}

/// What its owner would have done when it happened (Session::end_what_only_paused()), had there been one.
void QemuVm::end_what_only_paused(qmp::Client& client, const std::string& status) {
  const auto policy = config().policy;
  const bool reset = status == "shutdown" && tracker_->reset_ended();
  const bool panicked = status == "guest-panicked" && policy.on_panic == PanicPolicy::stop;
  if (policy.on_shutdown != ShutdownPolicy::pause || !(reset || panicked)) return;
  client.call_async({.name = "quit"}, std::chrono::steady_clock::now() + 5s, [](const qmp::Outcome&) {});
}

std::uint64_t QemuVm::feed_past(Session& session, const CallContext& call) {
  const auto past = session.keeper()->journal(1, call);
  std::vector<Event> events;
  for (const auto& entry : past.entries) {
    if (auto event = event_from_line(entry.line)) events.push_back(*std::move(event));
  }
  feed_->past(events);
  return past.next;
}

/// The session with the keeper stays: an ephemeral VM's life hangs on it. Once the monitor is connected subscribers are
/// told so, whatever becomes of the journal: nothing else says that events may be missing.
void QemuVm::reconnect_monitor(Session& session, const CallContext& call) {
  std::exception_ptr failure;
  try {
    const auto hold = feed_->hold();
    session.connect_monitor(socket_path(plan::owner_socket), call);
    driver_->log(LogLevel::warning, id_, "The connection to QEMU was lost and made again");
    failure = try_feed_past(session, call);
  } catch (const Error& error) {
    // QEMU may be about to end; its monitor is gone then, and the reason soon known.
    if (!is_gone(error) || !tracker_->exit_by(std::min(call.deadline(), std::chrono::steady_clock::now() + 2s))) throw;
    return;
  }
  resync(session, call);
  if (failure) std::rethrow_exception(failure);
}

/// A monitor is worth having without the journal, whose keeper may have died. What the caller asked for (its deadline,
/// its cancellation) and what is no Error is returned.
std::exception_ptr QemuVm::try_feed_past(Session& session, const CallContext& call) {
  try {
    (void)feed_past(session, call);
  } catch (const Error& error) {
    if (error.code() == Errc::timeout || error.code() == Errc::cancelled) return std::current_exception();
    driver_->log(LogLevel::warning, id_, "Events may be missing, the keeper does not tell them: " + error.message());
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

void QemuVm::watch(const CallContext& call) {
  const auto pass = watch_gate_.enter(call, "a connection to the VM");
  if (session() || !launched() || known_exit()) return;
  std::shared_ptr<Session> session;
  try {
    auto keeper = Keeper::attach(run_dir_.string(), call);
    keeper.hello(KeeperRole::observer, "watch", call);
    session = std::make_shared<Session>(session_context(), std::move(keeper));
    const auto next = feed_past(*session, call);
    session->follow_journal(next, call);
  } catch (const Error& error) {
    if (!is_gone(error)) throw;
    if (keeper_lives()) return;  // it is about to end, and known_exit() will have what it says
    auto process = Pidfd::open(identity_of(record().hypervisor));
    if (!process) return;  // known_exit() has it from now on
    session = std::make_shared<Session>(session_context(), std::move(*process));
  }
  const std::scoped_lock lock{mutex_};
  if (!session_) session_ = std::move(session);
}

visor::ExitRecord QemuVm::wait_exit(const CallContext& call) {
  for (;;) {
    if (auto exit = known_exit()) {
      settle(std::min<std::chrono::milliseconds>(settle_limit, call.remaining()));
      bury(*exit, call.deadline());
      return *exit;
    }
    call.check("the VM to end");
    const auto interruptions = tracker_->interruptions();
    watch(call);
    // Not started yet, or a keeper that just ended left nothing to watch: look again soon.
    const auto until = session() ? call.deadline() : std::min(call.deadline(), std::chrono::steady_clock::now() + 20ms);
    try {
      (void)tracker_->wait_exit({until, call.cancel()}, interruptions);
    } catch (const Error& error) {
      if (error.code() != Errc::timeout) throw;
    }
  }
}

/// The keeper of a VM that has ended writes its record and goes: seen to the end, nothing of the VM is left.
void QemuVm::settle(std::chrono::milliseconds limit) const {
  const auto keeper = Pidfd::open(identity_of(record().keeper));
  if (keeper) (void)keeper->wait_end(std::chrono::steady_clock::now() + limit);
  (void)reap_left_over();  // it may be the child of a handle of this process that has let go of it
}

std::shared_ptr<EventQueue> QemuVm::events() {
  auto queue = tracker_->subscribe();
  if (launched()) watch(2000ms);
  (void)known_exit();
  return queue;
}

void QemuVm::disconnect() {
  const auto pass = gate_.enter(10s, "another operation on the VM");
  (void)replace_session(nullptr);  // the session first: the next owner finds nobody registered with the keeper
  const std::scoped_lock lock{mutex_};
  lock_.reset();
}

}  // namespace visor::sdk

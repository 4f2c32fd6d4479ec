// SPDX-License-Identifier: Apache-2.0
// What is known about a VM, and how a handle reaches it.
#include "vm.hpp"

#include "command.hpp"
#include "config.hpp"
#include "exit.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/console.hpp"
#include "visor/sdk/process/reaper.hpp"

#include <utility>

namespace uml {

using namespace std::chrono_literals;
using visor::Errc;
using visor::Error;
using visor::Feature;
using visor::VmState;
using visor::sdk::KeeperRole;

namespace {

/// How long a live UML gets to answer before it counts as unresponsive.
constexpr auto probe_limit = 2000ms;
constexpr auto retry_interval = 10ms;
/// How long the keeper of a VM that has ended gets to write its record and go.
constexpr auto farewell = 2000ms;

visor::sdk::ProcessIdentity identity_of(const visor::ProcessIdentity& process) {
  return {process.pid, process.start_time};
}

bool is_gone(const Error& error) { return error.code() == Errc::not_found || error.code() == Errc::disconnected; }

}  // namespace

UmlVm::UmlVm(visor::HostContext host, visor::VmRecord record, std::optional<visor::OwnerLock> lock)
    : host_{std::move(host)},
      id_{record.id},
      run_dir_{record.run_dir},
      mconsole_{mconsole_path(run_dir_)},
      record_{std::move(record)},
      lock_{std::move(lock)} {}

visor::Capabilities UmlVm::capabilities() const { return offered(config()); }

/// The owner alone writes the record; every other handle reads what the owner wrote.
visor::VmRecord UmlVm::record() const {
  {
    const std::scoped_lock lock{mutex_};
    if (lock_) return record_;
  }
  try {
    auto stored = visor::read_record(run_dir_);
    const std::scoped_lock lock{mutex_};
    if (!lock_) record_ = std::move(stored);
  } catch (const Error&) {
    // The folder is gone, and the VM with it: what was read last is what is known.
  }
  const std::scoped_lock lock{mutex_};
  return record_;
}

bool UmlVm::is_paused() const {
  const auto record = this->record();
  const auto* paused = record.blob.find("paused");
  return paused != nullptr && paused->as_bool();
}

std::optional<visor::ExitRecord> UmlVm::known_exit() const {
  if (auto exit = tracker_->exit()) return exit;
  const auto record = this->record();
  if (const auto* ended = record.blob.find("ended_ms")) {
    visor::ExitRecord never_started;
    never_started.cause = visor::ExitCause::stopped;
    never_started.text = "It was stopped before it was started";
    never_started.time = std::chrono::system_clock::time_point{std::chrono::milliseconds{ended->as_int()}};
    tracker_->on_exit(never_started);
    return tracker_->exit();
  }
  if (record.hypervisor.pid == 0) return std::nullopt;
  // Asked before the file is read: a keeper writes the file and then ends.
  const bool over = record.boot_id != visor::host_boot_id() ||
                    (!alive(identity_of(record.hypervisor)) && !alive(identity_of(record.keeper)));
  if (const auto kept = visor::sdk::read_exit_record(run_dir_.string())) {
    tracker_->on_exit(explain(*kept));
  } else if (over) {
    tracker_->on_exit(explain_unwitnessed(*tracker_));
  }
  return tracker_->exit();
}

std::shared_ptr<Link> UmlVm::link() const {
  const std::scoped_lock lock{mutex_};
  return link_;
}

std::shared_ptr<Link> UmlVm::replace_link(std::shared_ptr<Link> link) {
  const std::scoped_lock lock{mutex_};
  return std::exchange(link_, std::move(link));
}

void UmlVm::require(Feature feature) const { capabilities().require(feature, plugin_name); }

void UmlVm::require_live(Feature feature, const visor::CallContext& call) {
  require(feature);
  call.check(to_string(feature));
  if (!launched() || known_exit()) refuse_state(to_string(feature), "running or paused", call);
}

void UmlVm::refuse_state(std::string_view operation, std::string_view needed, const visor::CallContext& call) {
  throw Error(Errc::invalid_state, "VM '" + id_ + "' is " + std::string{to_string(status(call).state)} + "; " +
                                       std::string{operation} + " needs it " + std::string{needed});
}

void UmlVm::own(std::string_view operation, const visor::CallContext& call, const visor::CallContext& lock_call) {
  const bool mine = [this] {
    const std::scoped_lock lock{mutex_};
    return lock_.has_value();
  }();
  if (!mine) {
    auto owner = visor::OwnerLock::acquire(run_dir_, operation, lock_call);
    auto record = visor::read_record(run_dir_);  // an earlier owner may have started it since
    const std::scoped_lock lock{mutex_};
    lock_ = std::move(owner);
    record_ = std::move(record);
  }
  if (launched() && !known_exit()) watch(KeeperRole::owner, call);
  const auto link = this->link();
  if (link && link->keeper() != nullptr) link->keeper()->set_operation(operation);
}

visor::sdk::Keeper UmlVm::reach_keeper(KeeperRole role, const visor::CallContext& call) {
  for (;;) {
    try {
      auto keeper = visor::sdk::Keeper::attach(run_dir_.string(), call);
      keeper.hello(role, "attached", call);
      return keeper;
    } catch (const Error& error) {
      // The lock is ours: an owner that the keeper still knows is one whose end it has yet to notice.
      if (error.code() != Errc::busy) throw;
    }
    call.check("the keeper to notice that the last owner is gone");
    (void)tracker_->exit_by(std::min(call.deadline(), std::chrono::steady_clock::now() + retry_interval));
  }
}

void UmlVm::watch(KeeperRole role, const visor::CallContext& call) {
  const auto pass = watch_gate_.enter(call, "a connection to the VM");
  {
    const std::scoped_lock lock{mutex_};
    if (link_ && (link_owns_ || role == KeeperRole::observer)) return;
  }
  std::shared_ptr<Link> link;
  try {
    link = std::make_shared<Link>(reach_keeper(role, call), mconsole_, tracker_);
  } catch (const Error& error) {
    if (!is_gone(error)) throw;
    // A new keeper would find nothing to keep: console and exit code went with the first one.
    auto process = visor::sdk::Pidfd::open(identity_of(record().hypervisor));
    if (!process) return;  // known_exit() has it from now on
    link = std::make_shared<Link>(std::move(*process), mconsole_, tracker_);
  }
  const auto old = replace_link(std::move(link));
  const std::scoped_lock lock{mutex_};
  link_owns_ = role == KeeperRole::owner;
}

visor::VmStatus UmlVm::status(const visor::CallContext& call) {
  visor::VmStatus status;
  if (const auto exit = known_exit()) {
    status.state = final_state(*exit);
    status.detail = exit->text;
    status.guest_panicked = exit->cause == visor::ExitCause::guest_panic;
    return status;
  }
  status.state = VmState::created;
  status.detail = to_string(VmState::created);
  if (!launched()) return status;
  const bool paused = is_paused();
  status.state = paused ? VmState::paused : VmState::running;
  status.detail = paused ? "stopped" : "running";
  try {
    (void)mconsole_.ask("version", call.at_most(probe_limit));
  } catch (const Error& error) {
    if (error.code() == Errc::cancelled) throw;
    // The end may have come between the two questions; its record needs a moment.
    const auto limit = call.at_most(is_gone(error) ? probe_limit : 0ms);
    while (!known_exit() && !limit.expired()) {
      (void)tracker_->exit_by(std::chrono::steady_clock::now() + retry_interval);
    }
    if (known_exit()) return this->status(call);
    status.responsive = false;
    status.detail = error.message();
  }
  return status;
}

void UmlVm::check(const visor::CallContext& call) {
  const auto status = this->status(call);
  const auto name = "VM '" + id_ + "' ";
  if (status.state == VmState::failed) throw Error(Errc::disconnected, name + "has failed: " + status.detail);
  if (!status.responsive) throw Error(Errc::timeout, name + "does not respond: " + status.detail);
}

std::vector<std::int32_t> UmlVm::pids() const {
  std::vector<std::int32_t> pids;
  const auto record = this->record();
  for (const auto& process : {record.hypervisor, record.keeper}) {
    if (process.pid != 0 && alive(identity_of(process))) pids.push_back(process.pid);
  }
  return pids;
}

std::unique_ptr<visor::Console> UmlVm::console(const visor::CallContext& call) {
  require_live(Feature::console, call);
  return visor::sdk::make_stream_console(visor::sdk::connect_console(run_dir_.string(), call));
}

/// A handle hears of its own changes and of the end. UML itself tells nothing while it lives.
std::shared_ptr<visor::EventQueue> UmlVm::events() {
  if (launched() && !known_exit()) watch(KeeperRole::observer, probe_limit);
  return tracker_->subscribe();
}

void UmlVm::settle() const {
  const auto keeper = visor::sdk::Pidfd::open(identity_of(record().keeper));
  if (keeper) (void)keeper->wait_end(std::chrono::steady_clock::now() + farewell);
  (void)visor::sdk::reap_left_over();  // it may be the child of a handle of this process that has let go of it
}

visor::ExitRecord UmlVm::wait_exit(const visor::CallContext& call) {
  for (;;) {
    if (auto exit = known_exit()) {
      settle();
      return *exit;
    }
    call.check("the VM to end");
    if (launched()) watch(KeeperRole::observer, call);
    // With a link the end is told. Without one another process may start the VM, or end it: look again soon.
    if (link()) {
      (void)tracker_->wait_exit(call);
      continue;
    }
    (void)tracker_->exit_by(std::min(call.deadline(), std::chrono::steady_clock::now() + 50ms));
  }
}

void UmlVm::disconnect() {
  const auto pass = gate_.enter(10s, "another operation on the VM");
  replace_link(nullptr).reset();  // first, so that the next owner does not find the keeper taken
  const std::scoped_lock lock{mutex_};
  link_owns_ = false;
  lock_.reset();
}

std::shared_ptr<visor::Extension> UmlVm::extension(std::string_view /*id*/) { return nullptr; }

}  // namespace uml

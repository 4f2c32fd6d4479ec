// SPDX-License-Identifier: Apache-2.0
#include "qemu_vm.hpp"

#include "cloud_init.hpp"
#include "exit_cause.hpp"
#include "helpers.hpp"
#include "processes.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/qmp/commands.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

/// What is kept of the call's time for the kill, which always works.
constexpr auto kill_reserve = 1000ms;
constexpr auto command_limit = 1000ms;
/// How long a stop waits for another operation of the same handle.
constexpr auto patience = 1000ms;
/// How long a stop tries to reach QEMU's monitor; a hung QEMU takes the connection and says nothing.
constexpr auto connect_limit = 5000ms;
/// How long an uncommitted or ephemeral VM's keeper gets to end it: it sends SIGTERM, and SIGKILL 3 s later. Then for
/// each of the same two without a keeper.
constexpr auto farewell = 5000ms;
constexpr auto direct_farewell = 1000ms;
/// What SIGKILL is given at least, however little is left of a call.
constexpr auto kill_moment = 200ms;
/// How often a stop looks whether the owner has started the VM meanwhile.
constexpr auto owner_look = 100ms;
/// From the loss of QEMU's monitor to QEMU's end, when that is why it was lost.
constexpr auto loss_to_end = 1000ms;

/// A rung's own deadline: its grace, but never so long that no time is left to kill.
Deadline rung_deadline(std::chrono::milliseconds grace, const CallContext& call) {
  const auto now = std::chrono::steady_clock::now();
  return std::max(now, std::min(now + grace, call.deadline() - kill_reserve));
}

/// What the keeper may take of a call: what is left then is for signals of our own.
CallContext keeper_share(const CallContext& call) {
  const auto reserve = std::min<std::chrono::milliseconds>(kill_reserve, call.remaining() / 4);
  return {call.deadline() - reserve, call.cancel()};
}

StopRung rung_of(Ending ending) {
  if (ending == Ending::none) return StopRung::already_stopped;
  return ending == Ending::killed ? StopRung::kill : StopRung::terminate;
}

}  // namespace

StopResult QemuVm::stop(const visor::StopOptions& options, const CallContext& call) {
  if (call.cancel().cancelled()) call.check("the VM to stop");
  auto result = end(options, call);
  settle(std::min<std::chrono::milliseconds>(settle_limit, call.remaining()));
  bury(result.exit, call.deadline());
  return result;
}

/// Who finds a VM that ended without its owner and keeper sees to what is left of it, unless somebody else does.
void QemuVm::inherit() {
  if (!launched() || keeper_lives()) return;
  try {
    const auto pass = gate_.enter(0ms, "another operation on the VM");
    take_lock("stop", 0ms);
  } catch (const Error& error) {
    driver_->log(LogLevel::debug, id_, error.message());
  }
}

StopResult QemuVm::end(const visor::StopOptions& options, const CallContext& call) {
  if (const auto exit = known_exit()) {
    inherit();
    return {StopRung::already_stopped, *exit};
  }
  std::optional<Gate::Pass> pass;
  try {
    pass.emplace(gate_.enter(call.at_most(patience), "another operation on the VM"));
  } catch (const Error& error) {
    if (error.code() != Errc::timeout || !launched()) throw;
    // Another thread is at work on this handle, and for long: the keeper ends the VM under it.
    return stop_beside_owner({.force = true}, call);
  }
  if (!take_lock_to_stop(call)) return stop_beside_owner(options, call);
  if (const auto exit = known_exit()) return {StopRung::already_stopped, *exit};
  if (!launched()) return stop_unstarted();
  auto chosen = options;
  if (!options.force) {
    try {
      own("stop", call.at_most(std::min<std::chrono::milliseconds>(connect_limit, call.remaining() / 4)));
    } catch (const Error& error) {
      if (error.code() == Errc::cancelled || error.code() == Errc::wrong_thread) throw;
      // It cannot be asked nicely: QEMU is silent or the connection is broken.
      driver_->log(LogLevel::warning, id_, "Stopping by force: " + error.message());
      chosen.force = true;
    }
  }
  if (const auto exit = known_exit()) return {StopRung::already_stopped, *exit};
  return chosen.force ? signal_ladder(chosen, call) : stop_as_owner(options, call);
}

bool QemuVm::take_lock_to_stop(const CallContext& call) {
  for (;;) {
    const bool started = launched();
    try {
      take_lock("stop", started ? call.at_most(0ms) : call.at_most(owner_look));
      return true;
    } catch (const Error& error) {
      if (error.code() != Errc::busy) throw;
      if (started) return false;
      if (call.expired()) throw;
    }
  }
}

StopResult QemuVm::stop_unstarted() {
  auto exit = exit_from_value(record().blob.find("failed_start"));
  if (!exit) {
    exit.emplace();
    exit->cause = ExitCause::stopped;
    exit->text = "It was stopped before it was started";
    exit->time = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
  remove_cloud_init(run_dir_);  // a start may have been killed
  auto record = this->record();
  record.blob.set("ended", exit_to_value(*exit));
  write_record(record);
  {
    const std::scoped_lock lock{mutex_};
    record_ = std::move(record);
  }
  tracker_->on_exit(*exit);
  return {StopRung::already_stopped, *exit};
}

std::optional<visor::ExitRecord> QemuVm::try_rung(std::chrono::milliseconds grace, const CallContext& call,
                                                  const std::function<void(const CallContext&)>& ask) {
  auto deadline = rung_deadline(grace, call);
  try {
    ask(CallContext{std::min(deadline, std::chrono::steady_clock::now() + command_limit), call.cancel()});
  } catch (const Error& error) {
    if (error.code() == Errc::cancelled || error.code() == Errc::wrong_thread) throw;
    driver_->log(LogLevel::debug, id_, error.message());
    if (error.code() != Errc::disconnected) return tracker_->exit();  // silent or unwilling, it will not obey
    deadline = std::min(deadline, std::chrono::steady_clock::now() + loss_to_end);
  }
  try {
    return tracker_->wait_exit(CallContext{deadline, call.cancel()});
  } catch (const Error& error) {
    if (error.code() != Errc::timeout) throw;
    driver_->log(LogLevel::debug, id_, "It did not end when it was asked to; the stop goes on");
    return std::nullopt;
  }
}

std::optional<visor::ExitRecord> QemuVm::ask_guest_to_end(qmp::Client& client, std::chrono::milliseconds grace,
                                                          const CallContext& call) {
  if (tracker_->panicked() || tracker_->saw(EventKind::guest_shutdown)) {
    const auto answer = client.call({"query-status"}, call.at_most(command_limit));
    const auto* const status = answer.ok() ? answer.value().find("status") : nullptr;
    if (status != nullptr && (*status == Value{"shutdown"} || *status == Value{"guest-panicked"})) return std::nullopt;
  }
  return try_rung(grace, call, [&](const CallContext& limited) {
    if (config().policy.on_shutdown == ShutdownPolicy::pause) {
      (void)client.execute("set-action", Value::map({{"shutdown", "poweroff"}}), limited);
    }
    qmp::system_powerdown(client, limited);
  });
}

StopResult QemuVm::stop_as_owner(const visor::StopOptions& options, const CallContext& call) {
  const auto session = this->session();
  tracker_->expect_stop();
  const auto client = session->client();
  if (const auto exit = ask_guest_to_end(*client, options.guest_grace, call)) return {StopRung::guest, *exit};
  const auto quit = [&](const CallContext& limited) { qmp::quit(*client, limited); };
  const auto asked = [](const visor::ExitRecord& exit) {  // a slow guest may obey while QEMU is told to quit
    return ended_by_guest(exit.cause) ? StopRung::guest : StopRung::hypervisor;
  };
  if (const auto exit = try_rung(options.hypervisor_grace, call, quit)) return {asked(*exit), *exit};
  auto result = signal_ladder(options, call);
  // It ended before a signal was sent: what was asked last did it.
  if (result.rung == StopRung::already_stopped) result.rung = asked(result.exit);
  return result;
}

StopResult QemuVm::stop_beside_owner(const visor::StopOptions& options, const CallContext& call) {
  sdk::StopOptions ask;
  ask.ask_owner = !options.force;
  ask.owner_answer = std::min<std::chrono::milliseconds>(2s, call.remaining() / 8);
  ask.grace = std::min(options.guest_grace + options.hypervisor_grace, call.remaining() / 2);
  ask.term = std::min(options.terminate_grace, call.remaining() / (options.force ? 3 : 8));
  if (auto result = stop_by_keeper(ask, call)) return *std::move(result);
  return signal_directly(options, call);
}

/// SIGTERM, then SIGKILL: through the keeper, which records the end, or straight at the process when it has died.
StopResult QemuVm::signal_ladder(const visor::StopOptions& options, const CallContext& call) {
  sdk::StopOptions ask;
  ask.ask_owner = false;
  ask.term = std::min(options.terminate_grace, call.remaining() / 3);
  if (auto result = stop_by_keeper(ask, call)) return *std::move(result);
  return signal_directly(options, call);
}

std::optional<StopResult> QemuVm::stop_by_keeper(const sdk::StopOptions& ask, const CallContext& call) {
  const auto share = keeper_share(call);
  const auto session = this->session();
  try {
    const auto kept = session && session->keeper() != nullptr
                          ? session->keeper()->stop(ask, share)
                          : Keeper::attach(run_dir_.string(), share).stop(ask, share);
    const auto exit = explain_exit(kept);
    tracker_->on_exit(exit);
    return StopResult{rung_of(kept.ended_by), tracker_->exit().value_or(exit)};
  } catch (const Error& error) {
    const bool silent = error.code() == Errc::timeout || error.code() == Errc::exhausted;
    if (silent && call.expired()) throw;
    if (!silent && error.code() != Errc::not_found && error.code() != Errc::disconnected) throw;
    driver_->log(LogLevel::debug, id_, error.message());
    return std::nullopt;
  }
}

StopResult QemuVm::signal_directly(const visor::StopOptions& options, const CallContext& call) {
  const auto hypervisor = identity_of(record().hypervisor);
  if (hypervisor.pid == 0) throw Error(Errc::busy, "VM '" + id_ + "' is just being started by another handle");
  tracker_->expect_stop();
  const auto grace = std::min(options.terminate_grace, call.remaining() / 2);
  const auto ending = end_process(hypervisor, grace, call.deadline());
  if (ending == Ending::failed) throw Error(Errc::timeout, "VM '" + id_ + "' did not end after SIGKILL");
  if (ending == Ending::none) {
    if (const auto exit = known_exit()) return {StopRung::already_stopped, *exit};
  }
  auto exit = explain_unwitnessed(*tracker_);
  if (exit.cause == ExitCause::stopped && keeper_lives()) exit.text = "It was stopped; its keeper did not answer";
  tracker_->on_exit(exit);
  return {rung_of(ending), tracker_->exit().value_or(exit)};
}

void QemuVm::bury(const visor::ExitRecord& exit, Deadline deadline) noexcept {
  drop_sockets_of_plugged();
  try {
    {
      const std::scoped_lock lock{mutex_};
      if (!lock_ || record_.hypervisor.pid == 0) return;  // beside an owner it is the owner's to do
    }
    if (keeper_lives() || alive(identity_of(record().hypervisor))) return;
    const auto now = std::chrono::steady_clock::now();
    const auto left = std::chrono::floor<std::chrono::milliseconds>(deadline - now) / 2;
    (void)end_helpers(std::clamp<std::chrono::milliseconds>(left, 0ms, direct_farewell),
                      std::max(now + kill_moment, std::min(deadline, now + 2 * direct_farewell)));
    remove_sockets();
    remove_cloud_init(run_dir_);
    if (read_exit_record(run_dir_.string())) return;
    {
      const std::scoped_lock lock{mutex_};
      record_.blob.set("ended", exit_to_value(exit));
    }
    store_record();
  } catch (const std::exception& error) {
    driver_->log(LogLevel::warning, id_, std::string{"Cleaning up after the VM's end: "} + error.what());
  }
}

/// Its keeper ends the VM as soon as the session is closed; a VM whose keeper has died is ended here. When this
/// returns, nothing of it is left.
void QemuVm::end_ephemeral() noexcept {
  try {
    (void)replace_session(nullptr);
    settle(farewell);
    const auto until = std::chrono::steady_clock::now() + 2 * direct_farewell;
    (void)end_process(identity_of(record().hypervisor), direct_farewell, until);
    auto exit = unwitnessed_exit();
    exit.cause = ExitCause::stopped;
    exit.text = "It was stopped with the handle that had started it; its keeper had died";
    bury(exit, std::chrono::steady_clock::now() + 2 * direct_farewell);
  } catch (const std::exception& error) {
    driver_->log(LogLevel::warning, id_, error.what());
  }
}

/// Ends what launch() has begun. False when a process of it may still be there.
bool QemuVm::end_launched(Session* session) noexcept {
  const auto report = [this](const std::exception& error) {
    driver_->log(LogLevel::warning, id_, std::string{"Cleaning up after a failed start: "} + error.what());
  };
  const auto record = this->record();
  if (record.hypervisor.pid == 0) return true;  // a launch that fails in the keeper leaves nothing
  bool obeyed = true;                           // without a session its keeper ends QEMU unasked
  try {
    if (session != nullptr && session->keeper() != nullptr)
      (void)session->keeper()->kill(std::chrono::steady_clock::now() + farewell);
  } catch (const std::exception& error) {
    obeyed = false;
    report(error);
  }
  try {
    settle(obeyed ? farewell : patience);
    const auto end = [](const visor::ProcessIdentity& process) {
      return end_process(identity_of(process), 0ms, std::chrono::steady_clock::now() + direct_farewell);
    };
    bool gone = end(record.hypervisor) != Ending::failed && end(record.keeper) != Ending::failed;
    gone = end_helpers(0ms, std::chrono::steady_clock::now() + direct_farewell) && gone;
    if (gone) remove_sockets();
    return gone;
  } catch (const std::exception& error) {
    report(error);
    return false;
  }
}

/// Those that a keeper would have ended. They do so by themselves when QEMU goes, unless they hang. False when one of
/// them may still be there.
bool QemuVm::end_helpers(std::chrono::milliseconds grace, Deadline deadline) const {
  const auto helpers = helpers_of(record());
  std::vector<ProcessIdentity> identities;
  for (const auto& helper : helpers) identities.push_back(helper.identity);
  if (end_processes(identities, grace, deadline)) return true;
  for (const auto& helper : helpers) {
    if (!alive(helper.identity)) continue;
    driver_->log(LogLevel::warning, id_, "The helper " + helper.name + " did not end after SIGKILL");
  }
  return false;
}

void QemuVm::remove_sockets() const noexcept {
  for (const auto& path : listener_paths(run_dir_, config())) ::unlink(path.c_str());
  for (const auto& path : {keeper_socket_path(run_dir_.string()), console_socket_path(run_dir_.string())}) {
    ::unlink(path.c_str());
  }
}

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#include "qemu_vm.hpp"

#include "exit_cause.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/qmp/commands.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

/// What is kept of the call's time for the kill, which always works.
constexpr auto kill_reserve = 1000ms;
constexpr auto command_limit = 1000ms;
/// How long a stop waits for another operation of the same handle.
constexpr auto patience = 1000ms;

/// A rung's own deadline: its grace, but never so long that no time is left to kill.
Deadline rung_deadline(std::chrono::milliseconds grace, const CallContext& call) {
  const auto now = std::chrono::steady_clock::now();
  return std::max(now, std::min(now + grace, call.deadline() - kill_reserve));
}

sdk::ProcessIdentity identity_of(const visor::ProcessIdentity& process) { return {process.pid, process.start_time}; }

}  // namespace

StopResult QemuVm::stop(const visor::StopOptions& options, const CallContext& call) {
  if (call.cancel().cancelled()) call.check("the VM to stop");
  auto result = end(options, call);
  settle();
  return result;
}

StopResult QemuVm::end(const visor::StopOptions& options, const CallContext& call) {
  if (const auto exit = known_exit()) return {StopRung::already_stopped, *exit};
  std::optional<Gate::Pass> pass;
  try {
    pass.emplace(gate_.enter(call.at_most(patience), "another operation on the VM"));
  } catch (const Error& error) {
    if (error.code() != Errc::timeout || !launched()) throw;
    // Another thread is at work on this handle, and for long: the keeper ends the VM under it.
    return stop_beside_owner({.force = true}, call);
  }
  try {
    own("stop", call, call.at_most(0ms));
  } catch (const Error& error) {
    if (error.code() == Errc::busy) return stop_beside_owner(options, call);
    if (error.code() == Errc::cancelled) throw;
    if (const auto exit = known_exit()) return {StopRung::already_stopped, *exit};
    // It cannot be asked nicely: QEMU is silent or the connection is broken.
    driver_->log(LogLevel::warning, id_, "Stopping by force: " + error.message());
    auto forced = options;
    forced.force = true;
    return stop_beside_owner(forced, call);
  }
  if (const auto exit = known_exit()) return {StopRung::already_stopped, *exit};
  if (!launched()) return stop_unstarted(call);
  return stop_as_owner(options, call);
}

StopResult QemuVm::stop_unstarted(const CallContext&) {
  {
    const std::scoped_lock lock{mutex_};
    record_.blob.set("ended", true);
  }
  store_record();
  return {StopRung::already_stopped, *known_exit()};
}

StopResult QemuVm::stop_as_owner(const visor::StopOptions& options, const CallContext& call) {
  const auto session = this->session();
  const auto try_rung = [&](std::chrono::milliseconds grace, const auto& ask) -> std::optional<visor::ExitRecord> {
    const auto deadline = rung_deadline(grace, call);
    try {
      ask(CallContext{std::min(deadline, std::chrono::steady_clock::now() + command_limit), call.cancel()});
    } catch (const Error& error) {
      if (error.code() == Errc::cancelled) throw;
      driver_->log(LogLevel::debug, id_, error.message());
      if (error.code() == Errc::timeout) return std::nullopt;  // a silent QEMU will not obey either
    }
    const auto exit = tracker_->exit_by(deadline);
    if (!exit && call.cancel().cancelled()) call.check("the VM to stop");
    return exit;
  };
  if (!options.force) {
    if (const auto exit = try_rung(options.guest_grace, [&](const CallContext& limited) {
          qmp::system_powerdown(session->client(), limited);
        })) {
      return {StopRung::guest, *exit};
    }
    if (const auto exit = try_rung(options.hypervisor_grace,
                                   [&](const CallContext& limited) { qmp::quit(session->client(), limited); })) {
      return {StopRung::hypervisor, *exit};
    }
  }
  return signal_ladder(options, call);
}

StopResult QemuVm::stop_beside_owner(const visor::StopOptions& options, const CallContext& call) {
  sdk::StopOptions ask;
  ask.ask_owner = !options.force;
  ask.owner_answer = std::min<std::chrono::milliseconds>(2s, call.remaining() / 4);
  ask.grace = std::min(options.guest_grace + options.hypervisor_grace, call.remaining() / 2);
  ask.term = std::min(options.terminate_grace, call.remaining() / 4);
  try {
    const auto keeper = Keeper::attach(run_dir_.string(), call.deadline());
    const auto kept = keeper.stop(ask, call.deadline());
    tracker_->on_exit(explain_exit(kept));
    return {rung_of(kept.ended_by), *known_exit()};
  } catch (const Error& error) {
    if (error.code() != Errc::not_found && error.code() != Errc::disconnected) throw;
  }
  if (const auto exit = known_exit()) return {StopRung::already_stopped, *exit};
  return signal_ladder(options, call);
}

/// SIGTERM, then SIGKILL: through the keeper, which records the end, or straight at the process when it has died.
StopResult QemuVm::signal_ladder(const visor::StopOptions& options, const CallContext& call) {
  const auto session = this->session();
  if (session && session->keeper() != nullptr) {
    try {
      sdk::StopOptions term;
      term.ask_owner = false;
      term.term = std::min(options.terminate_grace, call.remaining() / 2);
      const auto kept = session->keeper()->stop(term, call.deadline());
      tracker_->on_exit(explain_exit(kept));
      return {rung_of(kept.ended_by), *known_exit()};
    } catch (const Error& error) {
      if (error.code() != Errc::disconnected && error.code() != Errc::not_found) throw;
    }
  }
  const auto process = Pidfd::open(identity_of(record().hypervisor));
  if (process) tracker_->expect_stop();
  auto rung = StopRung::terminate;
  if (process && process->send_signal(SIGTERM) && !process->wait_end(rung_deadline(options.terminate_grace, call))) {
    rung = StopRung::kill;
    process->send_signal(SIGKILL);
    if (!process->wait_end(call.deadline())) throw Error(Errc::timeout, "VM '" + id_ + "' did not end after SIGKILL");
  }
  tracker_->on_exit(unwitnessed_exit());
  remove_sockets();
  return {rung, *known_exit()};
}

void QemuVm::remove_sockets() const noexcept {
  for (const auto& path : listener_paths(run_dir_, config())) ::unlink(path.c_str());
  for (const auto& path : {keeper_socket_path(run_dir_.string()), console_socket_path(run_dir_.string())}) {
    ::unlink(path.c_str());
  }
}

}  // namespace visor::sdk

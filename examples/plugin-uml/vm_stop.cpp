// SPDX-License-Identifier: Apache-2.0
// The stop ladder. The keeper walks it: it asks the owner, whose link powers the guest off and then halts it, and goes
// on with SIGTERM and SIGKILL. So it is the same ladder for the owner and for everybody else.
#include "command.hpp"
#include "exit.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/exit.hpp"
#include "vm.hpp"

#include <algorithm>
#include <csignal>

namespace uml {

using namespace std::chrono_literals;
using visor::Errc;
using visor::Error;
using visor::StopRung;

namespace {

/// What is kept of the call's time for the kill, which always works.
constexpr auto kill_reserve = 1000ms;
/// How long a stop waits for another operation of the same handle.
constexpr auto patience = 1000ms;

visor::sdk::StopOptions ladder(const visor::StopOptions& options, const visor::CallContext& call) {
  visor::sdk::StopOptions out;
  const auto usable = std::max(0ms, call.remaining() - kill_reserve);
  out.ask_owner = !options.force;
  out.term = std::min(options.terminate_grace, usable);
  out.grace = std::min(options.guest_grace + options.hypervisor_grace, usable - out.term);
  out.owner_answer = std::min<std::chrono::milliseconds>(2s, call.remaining() / 4);
  return out;
}

}  // namespace

visor::StopResult UmlVm::stop(const visor::StopOptions& options, const visor::CallContext& call) {
  auto result = end(options, call);
  settle();
  return result;
}

visor::StopResult UmlVm::end(const visor::StopOptions& options, const visor::CallContext& call) {
  if (const auto exit = known_exit()) return {StopRung::already_stopped, *exit};
  call.check("the VM to stop");
  auto wanted = options;
  bool owner = false;
  try {
    const auto pass = gate_.enter(call.at_most(patience), "another operation on the VM");
    own("stop", call.at_most(patience), launched() ? call.at_most(0ms) : call);
    if (!launched()) return stop_unstarted();
    owner = true;
  } catch (const Error& error) {
    if (!launched() || (error.code() != Errc::busy && error.code() != Errc::timeout)) throw;
    // Another handle owns the VM: the keeper asks it. Or another thread is at work on this one, and for long.
    wanted.force = wanted.force || error.code() == Errc::timeout;
  }
  if (const auto exit = known_exit()) return {StopRung::already_stopped, *exit};
  auto result = stop_by_keeper(wanted, owner, call);
  // A UML that was killed leaves its socket behind.
  std::error_code ignored;
  std::filesystem::remove_all(run_dir_ / uml_folder, ignored);
  return result;
}

visor::StopResult UmlVm::stop_unstarted() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  change_record([&](visor::VmRecord& record) {
    record.blob.set("ended_ms", std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  });
  return {StopRung::already_stopped, *known_exit()};
}

visor::StopResult UmlVm::stop_by_keeper(const visor::StopOptions& options, bool owner, const visor::CallContext& call) {
  const auto link = this->link();
  if (owner && link) link->set_guest_grace(options.guest_grace);
  try {
    // One request until the end: a second one may come when the VM has ended, and would be told that nobody ended it.
    const auto kept = visor::sdk::Keeper::attach(run_dir_.string(), call).stop(ladder(options, call), call);
    const auto explained = explain(kept);
    tracker_->on_exit(explained);
    const auto exit = known_exit().value_or(explained);
    const auto rung = visor::sdk::rung_of(kept.ended_by);
    if (!owner || rung != StopRung::owner) return {rung, exit};
    // A guest that is halted while it powers itself off has done it by itself.
    const bool halted = link && link->halted() && !visor::sdk::ended_by_guest(exit.cause);
    return {halted ? StopRung::hypervisor : StopRung::guest, exit};
  } catch (const Error& error) {
    if (error.code() != Errc::not_found && error.code() != Errc::disconnected) throw;
  }
  if (const auto exit = known_exit()) return {StopRung::already_stopped, *exit};
  return stop_without_keeper(options, call);
}

/// The same ladder by hand. UML leads a process group of its own, and when it is killed its helpers live on: the kill
/// goes to all of them.
visor::StopResult UmlVm::stop_without_keeper(const visor::StopOptions& options, const visor::CallContext& call) {
  const auto main = record().hypervisor;
  const auto process = visor::sdk::Pidfd::open({main.pid, main.start_time});
  if (process) tracker_->expect_stop();
  const auto latest = call.deadline() - kill_reserve;
  const auto ends_within = [&](std::chrono::milliseconds grace) {
    return process->wait_end(std::min(latest, std::chrono::steady_clock::now() + grace));
  };
  const auto tell = [&](std::string_view command, std::chrono::milliseconds grace) {
    return !options.force && mconsole_.tell("go") && mconsole_.tell(command) && ends_within(grace);
  };
  const auto rung = [&] {
    if (!process) return StopRung::already_stopped;
    if (tell("cad", options.guest_grace)) return StopRung::guest;
    if (tell("halt", options.hypervisor_grace)) return StopRung::hypervisor;
    if (process->send_signal(SIGTERM) && ends_within(options.terminate_grace)) return StopRung::terminate;
    if (process->alive()) ::kill(-main.pid, SIGKILL);
    if (!process->wait_end(call.deadline())) throw Error(Errc::timeout, "VM '" + id_ + "' did not end after SIGKILL");
    return StopRung::kill;
  }();
  const auto explained = explain_unwitnessed(*tracker_);
  tracker_->on_exit(explained);
  return {rung, known_exit().value_or(explained)};
}

}  // namespace uml

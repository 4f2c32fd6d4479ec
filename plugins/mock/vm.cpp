// SPDX-License-Identifier: Apache-2.0
#include "vm.hpp"

#include "console.hpp"
#include "visor/core/error.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace visor::mock {
namespace {

using namespace std::chrono_literals;
using enum VmState;
constexpr auto query_limit = 5s;

void check_cancelled(const CallContext& call, std::string_view operation) {
  if (call.cancel().cancelled()) throw Error(Errc::cancelled, "Cancelled before " + std::string{operation});
}

void check_state(const Machine& machine, std::initializer_list<VmState> states, std::string_view operation) {
  if (std::ranges::find(states, machine.state) != states.end()) return;
  std::string names;
  for (const auto state : states) names += (names.empty() ? "" : " or ") + std::string{to_string(state)};
  throw Error(Errc::invalid_state, "Cannot " + std::string{operation} + " VM " + machine.record.id + ": it is " +
                                       std::string{to_string(machine.state)} + ", not " + names);
}

/// Whether this rung of the stop ladder brings the machine down.
bool rung_works(StopRung rung, const Machine& machine) {
  if (rung < machine.options.stop_rung) return false;
  if (rung == StopRung::guest) return machine.state == VmState::running && !machine.silent && !machine.panicked;
  return rung != StopRung::hypervisor || !machine.silent;
}

void end_by(StopRung rung, Machine& machine, const Now& now) {
  if (!machine.live() || !rung_works(rung, machine)) return;
  if (rung == StopRung::guest) return machine.power_off(now.wall);
  ExitRecord exit;
  exit.cause = machine.panicked ? ExitCause::guest_panic : ExitCause::stopped;
  exit.text = "The VM was stopped by the rung '" + std::string{to_string(rung)} + "'";
  machine.end(std::move(exit), now.wall);
}

void end_unstarted(Machine& machine, const Now& now) {
  if (machine.state != created) return;
  ExitRecord exit;
  exit.cause = ExitCause::stopped;
  exit.text = "The VM was stopped before it was started";
  machine.end(std::move(exit), now.wall);
}

std::chrono::milliseconds grace_of(StopRung rung, const StopOptions& options) {
  switch (rung) {
    case StopRung::guest:
      return options.guest_grace;
    case StopRung::hypervisor:
      return options.hypervisor_grace;
    case StopRung::terminate:
      return options.terminate_grace;
    default:
      return 0ms;
  }
}

}  // namespace

Capabilities mock_capabilities(const VmConfig& config, const Options& options) {
  Capabilities all;
  for (std::uint8_t i = 0; i < static_cast<std::uint8_t>(Feature::count_); ++i) all.add(Feature{i});
  for (const auto later : {Feature::snapshot, Feature::migration, Feature::dump, Feature::balloon}) {
    all.remove(later, "not offered by this version");
  }
  if (config.ready.port.empty() && config.ready.console_line.empty()) {
    all.remove(Feature::wait_ready, "the configuration names no sign of readiness (ready.port or ready.console_line)");
  }
  if (config.console.type == ConsoleType::none) {
    all.remove(Feature::console, "the configuration asks for none (console.type)");
  }
  for (const auto feature : options.without) all.remove(feature, "the option mock.without takes it away");
  return all;
}

MockVm::MockVm(std::shared_ptr<Handle> handle, const Machine& machine, bool creating)
    : handle_{std::move(handle)},
      id_{machine.record.id},
      capabilities_{mock_capabilities(machine.record.config, machine.options)},
      ends_with_handle_{creating && machine.record.config.ephemeral} {}

MockVm::~MockVm() {
  if (ends_with_handle_) {
    try {
      handle_->change("end", query_limit, [](Machine& machine, const Now& now) {
        end_unstarted(machine, now);
        end_by(StopRung::kill, machine, now);
      });
    } catch (const std::exception&) {
      // Its creator is written down in the record: whoever looks after this process has ended finds it over.
    }
  }
  handle_->release();
}

void MockVm::require(Feature feature) const { capabilities_.require(feature, "The mock VM " + id_); }

Machine MockVm::look_in(States states, std::string_view operation, const CallContext& call) {
  call.check(operation);
  auto machine = handle_->look(call);
  check_state(machine, states, operation);
  return machine;
}

Machine MockVm::change_in(States states, std::string_view operation, const CallContext& call,
                          const Handle::Change& change) {
  call.check(operation);
  if (!handle_->owns()) {
    look_in(states, operation, call);  // what is not allowed anyway needs no lock
    handle_->own(operation, call);
  }
  for (;;) {
    bool answered = false;
    auto machine = handle_->change(operation, call, [&](Machine& now, const Now& time) {
      check_state(now, states, operation);
      answered = !now.silent;
      if (answered) change(now, time);
    });
    if (answered) return machine;
    handle_->wait(call, "an answer of the hypervisor", [](const Machine& now) { return !now.silent; });
  }
}

VmConfig MockVm::config() const { return handle_->look(query_limit).record.config; }

VmRecord MockVm::record() const {
  const auto machine = handle_->look(query_limit);
  auto record = machine.record;
  record.blob = machine_blob(machine);
  return record;
}

void MockVm::start(bool start_paused, const CallContext& call) {
  look_in({created}, "start", call);
  handle_->own("start", call);
  if (starting_.exchange(true)) {
    throw Error(Errc::invalid_state, "Cannot start VM " + id_ + ": it is being started, not created");
  }
  const std::shared_ptr<void> done{nullptr, [this](void*) { starting_ = false; }};
  boot(start_paused, call);
}

void MockVm::boot(bool start_paused, const CallContext& call) {
  const auto begun = std::chrono::steady_clock::now();
  const auto options = handle_->look(call).options;
  call.report("start");
  if (options.start == StartMode::fail) {
    throw Error(Errc::io_error, "The mock hypervisor of VM " + id_ + " did not start, as mock.start=fail asks");
  }
  // Waits in steps of the polling interval, as nothing in the file changes when the time is over.
  handle_->wait(call, "the start of VM " + id_, [&](const Machine& machine) {
    check_state(machine, {created}, "go on starting");
    return options.start != StartMode::hang && std::chrono::steady_clock::now() >= begun + options.start_time;
  });
  handle_->change("start", call, [&](Machine& machine, const Now& now) {
    check_state(machine, {created}, "start");
    if (options.start == StartMode::ok) return machine.start(start_paused, now);
    ExitRecord exit;
    exit.cause = ExitCause::exit_code;
    exit.code = 1;
    exit.stderr_tail = "mock: cannot start\n";
    exit.text = "The mock hypervisor ended with exit code 1 while it started";
    machine.end(std::move(exit), now.wall);
  });
  if (options.start == StartMode::die) {
    throw Error(Errc::disconnected, "The mock hypervisor of VM " + id_ +
                                        " ended with exit code 1 while it started; its stderr: mock: cannot start");
  }
  call.report("running");
}

void MockVm::wait_ready(const CallContext& call) {
  require(Feature::wait_ready);
  look_in({running, paused}, "wait for the guest of", call);
  const auto machine = handle_->wait(call, "the guest of VM " + id_ + " to be ready",
                                     [](const Machine& now) { return now.ready || !now.live() || now.panicked; });
  if (machine.live() && !machine.panicked) return;
  throw Error(Errc::disconnected, "The guest of VM " + id_ + " will not be ready: the VM is " + machine.detail);
}

ExitRecord MockVm::wait_exit(const CallContext& call) {
  check_cancelled(call, "waiting for the end");
  return handle_->wait(call, "the end of VM " + id_, &Machine::ended).exit.value_or(ExitRecord{});
}

StopResult MockVm::stop(const StopOptions& options, const CallContext& call) {
  require(Feature::stop);
  check_cancelled(call, "stopping the VM");
  auto machine = handle_->look(call);
  if (machine.state == created) machine = handle_->change("stop", call, end_unstarted);
  if (machine.ended()) return {StopRung::already_stopped, machine.exit.value_or(ExitRecord{})};
  constexpr std::array ladder = {StopRung::guest, StopRung::hypervisor, StopRung::terminate, StopRung::kill};
  for (const auto rung : ladder) {
    if (options.force && rung < StopRung::terminate) continue;
    if (rung == StopRung::guest && machine.state != running) continue;  // a guest that stands still sees no button
    call.report(to_string(rung));
    const auto ended = [&] {
      const auto after = handle_->change("stop", rung == StopRung::kill ? CallContext{query_limit} : call,
                                         [&](Machine& now, const Now& time) { end_by(rung, now, time); });
      if (after.ended()) return std::optional{after};
      return handle_->try_wait(call.at_most(grace_of(rung, options)), &Machine::ended);
    }();
    if (ended) return {rung, ended->exit.value_or(ExitRecord{})};
  }
  throw Error(Errc::internal, "The mock VM " + id_ + " outlived its kill");
}

void MockVm::pause(const CallContext& call) {
  require(Feature::pause);
  change_in({running, paused}, "pause", call, [](Machine& machine, const Now& now) {
    if (machine.state == running) machine.pause(now);
  });
}

void MockVm::resume(const CallContext& call) {
  require(Feature::resume);
  change_in({running, paused}, "resume", call, [](Machine& machine, const Now& now) {
    if (machine.state == paused) machine.resume(now);
  });
}

std::unique_ptr<Console> MockVm::console(const CallContext& call) {
  require(Feature::console);
  look_in({running, paused, stopped, failed}, "open the console of", call);
  return std::make_unique<MockConsole>(handle_);
}

std::shared_ptr<EventQueue> MockVm::events() {
  require(Feature::events);
  return handle_->subscribe();
}

VmStatus MockVm::status(const CallContext& call) {
  require(Feature::status);
  const auto machine = handle_->look(call);
  return {machine.state, !machine.silent, machine.panicked, machine.detail};
}

void MockVm::check(const CallContext& call) {
  require(Feature::check);
  const auto machine = handle_->look(call);
  if (machine.live()) call.check("an answer of the hypervisor");
  if (machine.panicked) throw Error(Errc::disconnected, "The guest of VM " + id_ + " panicked; stop the VM");
  if (machine.state == failed) throw Error(Errc::disconnected, "VM " + id_ + " has failed: " + machine.exit->text);
  if (machine.silent) throw Error(Errc::timeout, "VM " + id_ + " is unresponsive: its hypervisor does not answer");
}

std::vector<VcpuThread> MockVm::thread_ids(const CallContext& call) {
  require(Feature::thread_ids);
  const auto machine = look_in({running, paused}, "list the vCPU threads of", call);
  std::vector<VcpuThread> threads;
  for (std::uint32_t i = 0; i < machine.record.config.cpu.count; ++i) threads.push_back({i, 0});
  for (const auto number : machine.vcpus) threads.push_back({number, 0});
  return threads;
}

std::vector<std::int32_t> MockVm::pids() const {
  require(Feature::pids);
  return {};
}

void MockVm::disconnect() { handle_->release(); }

std::shared_ptr<Extension> MockVm::extension(std::string_view /*id*/) { return nullptr; }

}  // namespace visor::mock

// SPDX-License-Identifier: Apache-2.0
// From created to running, and between running and paused.
#include "command.hpp"
#include "exit.hpp"
#include "visor/core/error.hpp"
#include "vm.hpp"

#include <array>
#include <utility>

namespace uml {

using namespace std::chrono_literals;
using visor::Errc;
using visor::Error;
using visor::VmState;

namespace {

/// UML has nothing that tells how far its kernel has come, but the answer.
constexpr auto retry_interval = 10ms;

}  // namespace

void UmlVm::launch(const visor::CallContext& call) {
  const auto record = this->record();
  const auto spec = keeper_spec(record.config, record.blob.at("units"), run_dir_);
  // Of a start that failed, or of a UML that was killed.
  std::filesystem::remove(visor::sdk::exit_record_path(run_dir_.string()));
  std::filesystem::remove_all(run_dir_ / uml_folder);
  tracker_->reset();
  call.report("spawn");
  auto keeper = visor::sdk::Keeper::launch(
      spec, {.keeper_path = host_.keeper_path.string(), .run_dir = run_dir_.string(), .call = call});
  {
    const std::scoped_lock lock{mutex_};
    record_.keeper = {keeper.identity().pid, keeper.identity().start_time};
    const auto& main = keeper.main_process().identity;
    record_.hypervisor = {main.pid, main.start_time};
    record_.boot_id = visor::host_boot_id();
  }
  keeper.hello(visor::sdk::KeeperRole::owner, "start", call);
  (void)replace_link(std::make_shared<Link>(std::move(keeper), mconsole_, tracker_));
  const std::scoped_lock lock{mutex_};
  link_owns_ = true;
}

/// A kernel whose disk driver has begun. Asked for a disk before, it would set it up twice, and panic when it goes.
void UmlVm::await_kernel(const visor::CallContext& call) {
  call.report("negotiate");
  for (;;) {
    call.check("User-Mode Linux to set up its devices");
    try {
      const auto devices = mconsole_.ask("proc devices", call.at_most(1s));
      if (devices.error == 0 && devices.text.find(" ubd\n") != std::string::npos) return;
    } catch (const Error& error) {
      if (error.code() != Errc::disconnected && error.code() != Errc::timeout) throw;
    }
    const auto exit = tracker_->exit_by(std::min(call.deadline(), std::chrono::steady_clock::now() + retry_interval));
    if (exit) throw Error(Errc::disconnected, exit->text);
  }
}

void UmlVm::start(bool start_paused, const visor::CallContext& call) {
  const auto pass = gate_.enter(call, "another operation on the VM");
  if (launched() || known_exit()) refuse_state("start", "created", call);
  call.check("the start");
  own("start", call);
  if (launched() || known_exit()) refuse_state("start", "created", call);
  try {
    launch(call);
    await_kernel(call);
    // UML has no way to stand still from its first instruction on: its kernel has come as far as its disks.
    if (start_paused) (void)mconsole_.ask("stop", call);
    // Written down before the keeper is told that the VM may outlive this handle.
    change_record([&](visor::VmRecord& record) { record.blob.set("paused", start_paused); });
    link()->keeper()->commit();
    link()->keeper()->set_operation("running");
  } catch (const Error& error) {
    const auto why = explain_failure(error);
    undo_launch();
    throw why;
  } catch (...) {
    undo_launch();
    throw;
  }
  tracker_->on_state(start_paused ? VmState::paused : VmState::running);
}

/// What a UML that ended at once said on stderr is worth more than that it is gone.
Error UmlVm::explain_failure(const Error& error) const {
  std::string text = error.message();
  try {
    if (const auto kept = visor::sdk::read_exit_record(run_dir_.string())) text = explain(*kept).text;
  } catch (const Error&) {
    // The first error is the one to tell.
  }
  return {error.code(), "Cannot start VM '" + id_ + "': " + text};
}

/// Ends whatever a start has begun; the VM is then created again.
void UmlVm::undo_launch() noexcept {
  attempt([this] {
    const auto link = replace_link(nullptr);
    if (link && link->keeper() != nullptr) (void)link->keeper()->kill(std::chrono::steady_clock::now() + 5s);
  });
  tracker_->reset();
  attempt([this] { std::filesystem::remove(visor::sdk::exit_record_path(run_dir_.string())); });
  attempt([this] { std::filesystem::remove_all(run_dir_ / uml_folder); });
  attempt([this] {
    change_record([this](visor::VmRecord& record) {
      record.keeper = {};
      record.hypervisor = {};
      link_owns_ = false;
    });
  });
}

void UmlVm::attempt(const std::function<void()>& cleaning) noexcept {
  try {
    cleaning();
  } catch (const std::exception& error) {
    if (!host_.log || !host_.log->enabled(visor::LogLevel::warning)) return;
    host_.log->write(visor::LogLevel::warning, id_, std::string{"Cleaning up after a failed start: "} + error.what());
  }
}

/// "Already stopped" and "Not stopped" are no failures: it is as it was to be.
void UmlVm::set_paused(bool paused, const visor::CallContext& call) {
  const auto feature = paused ? visor::Feature::pause : visor::Feature::resume;
  require_live(feature, call);
  const auto pass = gate_.enter(call, "another operation on the VM");
  own(to_string(feature), call);
  require_live(feature, call);
  (void)mconsole_.ask(paused ? "stop" : "go", call);
  if (is_paused() == paused) return;
  change_record([&](visor::VmRecord& record) { record.blob.set("paused", paused); });
  tracker_->on_state(paused ? VmState::paused : VmState::running);
}

void UmlVm::wait_ready(const visor::CallContext& call) {
  require_live(visor::Feature::wait_ready, call);
  const auto line = config().ready.console_line;
  const auto console = this->console(call);
  std::string seen;
  std::array<char, 4096> buffer{};
  while (seen.find(line) == std::string::npos) {
    if (seen.size() > line.size()) seen.erase(0, seen.size() - line.size());
    const auto size = console->read(buffer.data(), buffer.size(), call);
    if (size == 0) throw Error(Errc::disconnected, "VM '" + id_ + "' ended before it was ready");
    seen.append(buffer.data(), size);
  }
  if (ready_.exchange(true)) return;
  visor::Event event;
  event.kind = visor::EventKind::guest_ready;
  event.name = to_string(event.kind);
  event.time = std::chrono::system_clock::now();
  tracker_->on_event(event);
}

}  // namespace uml

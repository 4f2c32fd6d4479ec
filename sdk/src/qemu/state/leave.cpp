// SPDX-License-Identifier: Apache-2.0
#include "leave.hpp"

#include "arrival.hpp"
#include "qemu/live_devices.hpp"
#include "qemu/qemu_vm.hpp"
#include "qemu/resize/plugged_memory.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/qmp/commands/cpus.hpp"
#include "visor/sdk/qmp/commands/fd.hpp"
#include "visor/sdk/qmp/commands/machine.hpp"
#include "visor/sdk/qmp/commands/migration.hpp"

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

/// How often a migration that was called off is asked whether it has ended.
constexpr auto look_again = 5ms;

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const auto& text : list) out += (out.empty() ? "" : "; ") + text;
  return out;
}

/// What came while the VM ran, and is not planned for a VM that takes its state.
std::vector<std::string> later_changes(const VmRecord& record) {
  std::vector<std::string> changes;
  const auto is_set = [&](std::string_view key) {
    const auto* const value = record.blob.find(key);
    return value != nullptr && *value == Value{true};
  };
  if (is_set(layout_changed)) {
    changes.emplace_back(
        "a device that was there from the start was unplugged, so that QEMU would put others elsewhere");
  }
  if (const auto* const addresses = record.blob.find("addresses"); addresses != nullptr) {
    const auto taken = Addresses::from_value(*addresses);
    for (const auto& id : taken.leaving()) {
      changes.push_back("device '" + id + "' is on its way out");
    }
  }
  if (is_set("vcpus_were_removed")) {
    changes.emplace_back("a vCPU was removed, and QEMU's emulation (TCG) crashes when it is moved after that");
  }
  return changes;
}

}  // namespace

bool check_can_leave(QemuVm& vm, qmp::Client& client, std::string_view what, const CallContext& call) {
  const auto refuse = [&](Errc code, const std::string& why) {
    throw Error(code, "VM '" + vm.id() + "' cannot " + std::string{what} + " now: " + why);
  };
  auto changes = later_changes(vm.record());
  // The record may be behind: a guest can let go of these at any time.
  if (!read_plugged_memory(client, call).modules.empty()) changes.emplace_back("its memory was resized while it ran");
  if (qmp::query_cpus_fast(client, call).size() != vm.config().cpu.count) {
    changes.emplace_back("its vCPUs were resized while it ran");
  }
  if (!changes.empty()) refuse(Errc::unsupported, joined(changes));
  const auto migration = qmp::query_migrate(client, call);
  if (!migration.blocked_reasons.empty()) refuse(Errc::unsupported, joined(migration.blocked_reasons));
  if (migration.phase() == qmp::MigrationPhase::running) refuse(Errc::busy, "its state is on its way already");
  const auto status = qmp::query_status(client, call);
  if (status.status == "postmigrate") {
    refuse(Errc::invalid_state,
           "it has stood still since its state was taken, and must be running before that is done again");
  }
  return status.running;
}

Reserve::Reserve(const CallContext& call)
    : work{call}, part{std::clamp<std::chrono::milliseconds>(call.remaining() / 8, 1s, 2s)} {
  work = call.at_most(std::max<std::chrono::milliseconds>(call.remaining() - 2 * part, call.remaining() * 3 / 4));
}

std::optional<qmp::MigrationPhase> call_off(QemuVm& vm, std::chrono::milliseconds limit) noexcept {
  try {
    const CallContext call{limit};
    const auto client = vm.reach(call);
    for (bool told = false;; told = true) {
      const auto phase = qmp::query_migrate(*client, call).phase();
      if (phase != qmp::MigrationPhase::running) return phase;
      if (!told) qmp::migrate_cancel(*client, call);
      std::this_thread::sleep_for(look_again);
    }
  } catch (const std::exception& error) {
    vm.driver().log(LogLevel::warning, vm.id(), std::string{"Its state may still be on its way: "} + error.what());
    return std::nullopt;
  }
}

Standstill::Standstill(QemuVm& vm, qmp::Client& client, bool runs, std::chrono::milliseconds undo,
                       const CallContext& call)
    : vm_{vm}, runs_{runs}, undo_{undo} {
  if (!runs_) return;
  try {
    qmp::stop(client, call);
  } catch (...) {
    const Standstill undone{vm, undo};  // it may have been obeyed
    throw;
  }
}

Standstill::~Standstill() {
  if (!runs_) return;
  try {
    if (!call_off(vm_, undo_)) return;
    const CallContext call{undo_};
    qmp::cont(*vm_.reach(call), call);
  } catch (const std::exception& error) {
    vm_.driver().log(LogLevel::warning, vm_.id(), std::string{"The guest may stand still: "} + error.what());
  }
}

void Standstill::end(qmp::Client& client, const CallContext& call) {
  if (runs_) qmp::cont(client, call);
  runs_ = false;
}

qmp::MigrationStatus send_state(qmp::Client& client, int fd, qmp::MigrationPlan plan, const Reserve& reserve) {
  qmp::getfd(client, state_fd_name, fd, reserve.work);
  plan.call_off_limit = reserve.part;
  try {
    return qmp::send_migration(client, plan, reserve.work);
  } catch (const Error& error) {
    try {
      qmp::closefd(client, state_fd_name, reserve.part);
    } catch (const Error&) {  // the migration has used it up
    }
    const bool full = error.message().find("No space left on device") != std::string::npos;
    throw Error(full ? Errc::exhausted : error.code(), error.message());
  }
}

}  // namespace visor::sdk

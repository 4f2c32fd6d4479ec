// SPDX-License-Identifier: Apache-2.0
#include "qmp/answer.hpp"
#include "qmp/follow.hpp"
#include "visor/sdk/qmp/commands/machine.hpp"
#include "visor/sdk/qmp/commands/migration.hpp"

#include <algorithm>
#include <utility>

namespace visor::sdk::qmp {
namespace {

constexpr std::string_view events = "events";  // the capability without which no event MIGRATION comes

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const auto& text : list) out += (out.empty() ? "" : "; ") + text;
  return out;
}

bool contains(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// Refuses what can be known to fail before anything is changed.
void check_possible(const MigrationStatus& status) {
  if (!status.blocked_reasons.empty()) {
    throw Error(Errc::unsupported, "The machine cannot be migrated now: " + joined(status.blocked_reasons));
  }
  if (status.phase() == MigrationPhase::running) {
    throw Error(Errc::busy, "A migration runs already (" + status.status + "): wait for it or cancel it");
  }
}

/// Turns on just the capabilities that are wanted: what an earlier attempt has set stays set in QEMU.
void set_capabilities(Client& client, const std::vector<std::string>& wanted, const CallContext& call) {
  std::vector<std::string> missing = wanted;
  std::vector<MigrationCapability> changes;
  for (const auto& known : query_migrate_capabilities(client, call)) {
    missing.erase(std::remove(missing.begin(), missing.end(), known.name), missing.end());
    const bool on = known.name == events || contains(wanted, known.name);
    if (known.on != on) changes.push_back({known.name, on});
  }
  if (!missing.empty()) {
    throw Error(Errc::unsupported, "This QEMU cannot migrate with the capability " + joined(missing));
  }
  if (!changes.empty()) migrate_set_capabilities(client, changes, call);
}

void set_parameters(Client& client, const MigrationParameters& wanted, const CallContext& call) {
  const bool others = wanted.others.is_map() && !wanted.others.as_map().empty();
  const bool some = wanted.max_bandwidth_bytes_per_s || wanted.downtime_limit || wanted.xbzrle_cache_bytes ||
                    wanted.multifd_channels || others;
  if (some) migrate_set_parameters(client, wanted, call);
}

/// Everything that comes before QEMU begins.
void prepare(Client& client, const MigrationPlan& plan, const CallContext& call) {
  check_possible(query_migrate(client, call));
  set_capabilities(client, plan.capabilities, call);
  set_parameters(client, plan.parameters, call);
}

void report(const MigrationStatus& status, const CallContext& call) {
  if (!status.ram) return;
  const auto left = std::min(status.ram->remaining_bytes, status.ram->total_bytes);
  call.report("migrate", status.ram->total_bytes - left, status.ram->total_bytes);
}

/// Waits until a migration has come to any end. "none" is not one: an incoming migration begins with it.
MigrationStatus follow(Client& client, EventQueue& queue, const std::string& what, const CallContext& call) {
  while (true) {
    auto status = query_migrate(client, call);
    report(status, call);
    const auto phase = status.phase();
    if (phase != MigrationPhase::running && phase != MigrationPhase::none) return status;
    if (status.status == "pre-switchover") {
      // Refused when it has gone on or failed meanwhile, which the next question tells.
      (void)client.call(Command{"migrate-continue", Value::map({{"state", status.status}})}, call);
    }
    (void)next_event(queue, call, what);
  }
}

/// Throws unless it is complete.
MigrationStatus expect_complete(MigrationStatus status, const std::string& what) {
  if (status.phase() == MigrationPhase::completed) return status;
  if (status.phase() == MigrationPhase::cancelled) {
    throw Error(Errc::hypervisor_error, "Somebody else cancelled " + what);
  }
  const auto why = status.error.empty() ? std::string{"QEMU gives no reason"} : status.error;
  throw Error(Errc::hypervisor_error, "Failed: " + what + ": " + why);
}

/// How long QEMU may take from the end of a migration to its last run state.
constexpr std::chrono::milliseconds settle_limit{2000};

/// Waits until a source has come to rest: QEMU tells the end first, and leaves the run state "finish-migrate" later.
void settle(Client& client, EventQueue& queue, const CallContext& call) noexcept {
  try {
    const auto limited = call.at_most(settle_limit);
    while (query_status(client, limited).status == "finish-migrate") {
      (void)next_event(queue, limited, "the end of a migration", std::chrono::milliseconds{10});
    }
  } catch (...) {
    // The migration has ended all the same.
  }
}

/// Ends a migration whose caller has given up. Returns how it ended; nothing when it did not in time.
std::optional<MigrationStatus> call_off(Client& client, EventQueue& queue, std::chrono::milliseconds limit) noexcept {
  const CallContext own{limit};
  try {
    migrate_cancel(client, own);
    while (true) {
      auto status = query_migrate(client, own);
      if (status.phase() != MigrationPhase::running) {
        settle(client, queue, own);
        return status;
      }
      (void)next_event(queue, own, "the end of a cancelled migration", std::chrono::milliseconds{20});
    }
  } catch (...) {
    return std::nullopt;
  }
}

/// What is done about a migration that cannot be followed any more. Returns when it was complete by then.
MigrationStatus give_up(Client& client, EventQueue& queue, std::chrono::milliseconds limit, const Error& error) {
  if (error.code() == Errc::disconnected) throw error;
  auto ended = call_off(client, queue, limit);
  if (!ended) throw Error(error.code(), error.message() + "; it could not be called off in time and may still run");
  if (ended->phase() == MigrationPhase::completed) return *std::move(ended);
  throw Error(error.code(), error.message() + "; it was called off");
}

}  // namespace

MigrationStatus send_migration(Client& client, const MigrationPlan& plan, const CallContext& call) {
  prepare(client, plan, call);
  const auto what = "the migration to " + plan.uri.text();
  const auto queue = client.subscribe({"MIGRATION"}, 64);
  const auto begun = client.call(Command{"migrate", Value::map({{"uri", plan.uri.text()}})}, call);
  // One that was refused or never sent never began: what runs now would be somebody else's.
  const auto* const refusal = begun.error();
  if (refusal && (refusal->code == Errc::hypervisor_error || refusal->unsent)) refusal->raise();
  std::optional<MigrationStatus> status;
  try {
    (void)begun.value();
    status = follow(client, *queue, what, call);
    settle(client, *queue, call);
  } catch (const Error& error) {
    status = give_up(client, *queue, plan.call_off_limit, error);
  }
  return expect_complete(*std::move(status), what);
}

MigrationStatus receive_migration(Client& client, const MigrationPlan& plan, const CallContext& call) {
  prepare(client, plan, call);
  const auto what = "the migration from " + plan.uri.text();
  const auto queue = client.subscribe({"MIGRATION"}, 64);
  try {
    migrate_incoming(client, plan.uri, call);
    return expect_complete(follow(client, *queue, what, call), what);
  } catch (const Error& error) {
    // QEMU has not ended when this side ended the session.
    if (error.code() != Errc::disconnected || client.state() != State::failed) throw;
    throw Error(error.code(),
                "QEMU ended during " + what +
                    ", which it does when its input is damaged, cut off or of another machine: " + error.message());
  }
}

}  // namespace visor::sdk::qmp

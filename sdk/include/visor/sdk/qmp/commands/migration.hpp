// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/value.hpp"
#include "visor/sdk/export.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace visor::sdk::qmp {

class Client;

/// Where a migration goes to or comes from. None of them starts a program: QEMU's exec: hands text to a shell, and what
/// it can do a descriptor can.
class VISOR_SDK_EXPORT MigrationUri {
 public:
  /// A Unix socket at an absolute path, which QEMU connects to, or listens at.
  static MigrationUri unix_socket(const std::string& path);
  /// An address may be one of IPv6. An empty host listens everywhere. It is neither encrypted nor authenticated.
  static MigrationUri tcp(const std::string& host, std::uint16_t port);
  /// A descriptor that QEMU got by getfd under this name, which it consumes. A file works as well as a socket. Into a
  /// pipe that nobody reads a migration hangs and cannot be called off until the reading end is closed.
  static MigrationUri fd(const std::string& name);
  /// From text: "unix:…", "tcp:…:…", "fd:…". Throws invalid_config for anything else, exec: above all.
  static MigrationUri parse(std::string_view text);

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  explicit MigrationUri(std::string text) noexcept : text_{std::move(text)} {}
  std::string text_;
};

/// What became of memory or of disks. Figures that QEMU does not state are 0.
struct MigrationAmount {
  std::uint64_t total_bytes = 0;
  std::uint64_t remaining_bytes = 0;
  std::uint64_t transferred_bytes = 0;  ///< on the wire; pages sent again count again, empty ones hardly
  std::uint64_t duplicate_pages = 0;    ///< pages of one repeated byte, sent as that
  std::uint64_t normal_pages = 0;
  std::uint64_t normal_bytes = 0;
  std::uint64_t dirty_sync_count = 0;  ///< rounds
  std::uint64_t dirty_pages_per_s = 0;
  std::uint64_t pages_per_s = 0;
  std::uint64_t page_bytes = 0;
  double megabits_per_s = 0;
};

/// The cache of the capability xbzrle.
struct MigrationXbzrle {
  std::uint64_t cache_bytes = 0;
  std::uint64_t bytes = 0;
  std::uint64_t pages = 0;
  std::uint64_t cache_misses = 0;
  double cache_miss_rate = 0;
  std::uint64_t overflows = 0;
};

enum class MigrationPhase : std::uint32_t { none = 0, running, completed, failed, cancelled };

/// How a migration stands, on either side.
struct VISOR_SDK_EXPORT MigrationStatus {
  std::string status = {};  ///< QEMU's word; empty before the first one. (qemu: MigrationStatus in qapi/migration.json)
  std::optional<MigrationAmount> ram = {};
  std::optional<MigrationAmount> disk = {};
  std::optional<MigrationXbzrle> xbzrle = {};
  std::optional<std::chrono::milliseconds> total_time = {};
  std::optional<std::chrono::milliseconds> setup_time = {};
  std::optional<std::chrono::milliseconds> expected_downtime = {};
  std::optional<std::chrono::milliseconds> downtime = {};  ///< how long the guest stood still; when completed
  std::string error = {};                                  ///< why it failed; a later attempt may have erased it
  std::vector<std::string> blocked_reasons = {};           ///< what makes this machine unfit to be migrated now

  /// An unknown word counts as running.
  [[nodiscard]] MigrationPhase phase() const noexcept;
};

/// A capability by QEMU's name ("x-ignore-shared").
struct MigrationCapability {
  std::string name;
  bool on = false;
};

/// Parameters that are set; the others keep what they have.
struct MigrationParameters {
  std::optional<std::uint64_t> max_bandwidth_bytes_per_s = {};   ///< 0: no limit
  std::optional<std::chrono::milliseconds> downtime_limit = {};  ///< how long the guest may stand still at the end
  std::optional<std::uint64_t> xbzrle_cache_bytes = {};
  std::optional<std::uint32_t> multifd_channels = {};
  Value others = {};  ///< further ones as a map, by QEMU's names; null for none
};

/// Typed commands. All [any thread] [blocks]; deadlines and errors as Client::call(). migrate, migrate_incoming and
/// migrate_cancel return when it has begun; send_migration() and receive_migration() see it through.
///
/// Removed from QEMU, and by what they are replaced: migrate_set_speed, migrate_set_downtime,
/// migrate-set-cache-size by migrate_set_parameters(); the members `blk` and `inc` of migrate by copying disks with
/// jobs; the capability bypass-shared-memory by x-ignore-shared.
VISOR_SDK_EXPORT MigrationStatus query_migrate(Client& client, const CallContext& call);
VISOR_SDK_EXPORT std::vector<MigrationCapability> query_migrate_capabilities(Client& client, const CallContext& call);
VISOR_SDK_EXPORT void migrate_set_capabilities(Client& client, const std::vector<MigrationCapability>& capabilities,
                                               const CallContext& call);
VISOR_SDK_EXPORT MigrationParameters query_migrate_parameters(Client& client, const CallContext& call);
VISOR_SDK_EXPORT void migrate_set_parameters(Client& client, const MigrationParameters& parameters,
                                             const CallContext& call);
VISOR_SDK_EXPORT void migrate(Client& client, const MigrationUri& uri, const CallContext& call);
/// Only where QEMU was started with "-incoming defer".
VISOR_SDK_EXPORT void migrate_incoming(Client& client, const MigrationUri& uri, const CallContext& call);
/// No error when none runs.
VISOR_SDK_EXPORT void migrate_cancel(Client& client, const CallContext& call);
/// Goes on from a state in which QEMU waits to be told so: "pre-switchover".
VISOR_SDK_EXPORT void migrate_continue(Client& client, const std::string& state, const CallContext& call);

/// A migration from begin to end.
struct MigrationPlan {
  MigrationUri uri;
  /// Exactly these are on, and "events"; whatever else is on from an earlier attempt is turned off.
  std::vector<std::string> capabilities = {};
  MigrationParameters parameters = {};
  /// How long a migration that is called off may take to end, after the deadline of the call.
  std::chrono::milliseconds call_off_limit{2000};
};

/// Sends the state of this QEMU away and returns when all has gone; the guest stands still then and must not run on
/// here if it runs on the other side. [any thread] [blocks] until the deadline, and up to call_off_limit longer to call
/// the migration off.
///
/// It is followed by the event MIGRATION and by asking; progress is reported as "migrate", in bytes of memory. With the
/// capability pause-before-switchover it goes on by itself. Throws as Client::call(), and
///   unsupported   the machine cannot be migrated now, or QEMU lacks a capability: the message names the reasons
///   busy          a migration runs already
///   hypervisor_error    it failed: the message has QEMU's reason. The guest runs on here if it ran before
///   timeout, cancelled   it was called off, and the guest runs on here if it ran before. Where QEMU did not end it in
///                 time, the message says so. A migration that was complete by then counts as a success
///   disconnected  this QEMU ended, or the session did: then the migration may go on
VISOR_SDK_EXPORT MigrationStatus send_migration(Client& client, const MigrationPlan& plan, const CallContext& call);

/// Takes the state from another QEMU and returns when all has come. [any thread] [blocks] The sender's run state comes
/// along: a guest that ran is running here, or paused when QEMU was started with -S and not told cont meanwhile.
///
/// Throws as send_migration(). A QEMU that finds its input damaged, cut off or from a machine of another shape does not
/// answer: it ends with status 1. That is disconnected here, with whatever the client's loss_cause knows. After any
/// failure, timeout and cancellation this QEMU is of no more use: there is no command to call an incoming migration
/// off.
VISOR_SDK_EXPORT MigrationStatus receive_migration(Client& client, const MigrationPlan& plan, const CallContext& call);

}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/commands/migration.hpp"

#include "qmp/answer.hpp"

#include <algorithm>
#include <utility>

namespace visor::sdk::qmp {
namespace {

MigrationAmount amount_of(const Answer& from) {
  return {.total_bytes = from.integer("total"),
          .remaining_bytes = from.integer("remaining"),
          .transferred_bytes = from.integer("transferred"),
          .duplicate_pages = from.integer_or_zero("duplicate"),
          .normal_pages = from.integer_or_zero("normal"),
          .normal_bytes = from.integer_or_zero("normal-bytes"),
          .dirty_sync_count = from.integer_or_zero("dirty-sync-count"),
          .dirty_pages_per_s = from.integer_or_zero("dirty-pages-rate"),
          .pages_per_s = from.integer_or_zero("pages-per-second"),
          .page_bytes = from.integer_or_zero("page-size"),
          .megabits_per_s = from.number_or_zero("mbps")};
}

std::optional<MigrationAmount> find_amount(const Answer& from, std::string_view key) {
  return from.has(key) ? std::optional{amount_of(from.at(key))} : std::nullopt;
}

std::optional<std::chrono::milliseconds> find_time(const Answer& from, std::string_view key) {
  const auto number = from.find_integer<std::int64_t>(key);
  return number ? std::optional{std::chrono::milliseconds{*number}} : std::nullopt;
}

std::optional<MigrationXbzrle> find_xbzrle(const Answer& from) {
  if (!from.has("xbzrle-cache")) return std::nullopt;
  const auto cache = from.at("xbzrle-cache");
  return MigrationXbzrle{.cache_bytes = cache.integer("cache-size"),
                         .bytes = cache.integer("bytes"),
                         .pages = cache.integer("pages"),
                         .cache_misses = cache.integer("cache-miss"),
                         .cache_miss_rate = cache.number_or_zero("cache-miss-rate"),
                         .overflows = cache.integer("overflow")};
}

MigrationStatus status_of(const Answer& answer) {
  MigrationStatus status{.status = answer.find_text("status").value_or("")};
  status.ram = find_amount(answer, "ram");
  status.disk = find_amount(answer, "disk");
  status.xbzrle = find_xbzrle(answer);
  status.total_time = find_time(answer, "total-time");
  status.setup_time = find_time(answer, "setup-time");
  status.expected_downtime = find_time(answer, "expected-downtime");
  status.downtime = find_time(answer, "downtime");
  status.error = answer.find_text("error-desc").value_or("");
  answer.each("blocked-reasons", [&](const Answer& reason) { status.blocked_reasons.push_back(reason.text()); });
  return status;
}

constexpr std::string_view bandwidth = "max-bandwidth";
constexpr std::string_view downtime = "downtime-limit";
constexpr std::string_view cache_size = "xbzrle-cache-size";
constexpr std::string_view channels = "multifd-channels";

MigrationParameters parameters_of(const Answer& answer) {
  MigrationParameters out{.max_bandwidth_bytes_per_s = answer.find_integer(bandwidth)};
  out.downtime_limit = find_time(answer, downtime);
  out.xbzrle_cache_bytes = answer.find_integer(cache_size);
  out.multifd_channels = answer.find_integer<std::uint32_t>(channels);
  out.others = Value::map();
  for (const auto& [name, value] : answer.value().as_map()) {
    if (name != bandwidth && name != downtime && name != cache_size && name != channels) out.others.set(name, value);
  }
  return out;
}

}  // namespace

MigrationPhase MigrationStatus::phase() const noexcept {
  if (status.empty() || status == "none") return MigrationPhase::none;
  if (status == "completed") return MigrationPhase::completed;
  if (status == "failed") return MigrationPhase::failed;
  return status == "cancelled" ? MigrationPhase::cancelled : MigrationPhase::running;
}

MigrationStatus query_migrate(Client& client, const CallContext& call) {
  return ask(client, "query-migrate", {}, call, status_of);
}

std::vector<MigrationCapability> query_migrate_capabilities(Client& client, const CallContext& call) {
  return ask(client, "query-migrate-capabilities", {}, call, [](const Answer& answer) {
    std::vector<MigrationCapability> out;
    answer.each([&](const Answer& it) { out.push_back({it.text("capability"), it.boolean("state")}); });
    return out;
  });
}

void migrate_set_capabilities(Client& client, const std::vector<MigrationCapability>& capabilities,
                              const CallContext& call) {
  auto list = Value::list();
  for (const auto& it : capabilities) list.push_back(Value::map({{"capability", it.name}, {"state", it.on}}));
  tell(client, "migrate-set-capabilities", Value::map({{"capabilities", std::move(list)}}), call);
}

MigrationParameters query_migrate_parameters(Client& client, const CallContext& call) {
  return ask(client, "query-migrate-parameters", {}, call, parameters_of);
}

void migrate_set_parameters(Client& client, const MigrationParameters& parameters, const CallContext& call) {
  auto arguments = Value::map();
  if (parameters.max_bandwidth_bytes_per_s) arguments.set(bandwidth, *parameters.max_bandwidth_bytes_per_s);
  if (parameters.downtime_limit) arguments.set(downtime, parameters.downtime_limit->count());
  if (parameters.xbzrle_cache_bytes) arguments.set(cache_size, *parameters.xbzrle_cache_bytes);
  if (parameters.multifd_channels) arguments.set(channels, *parameters.multifd_channels);
  if (!parameters.others.is_null()) {
    for (const auto& [name, value] : parameters.others.as_map()) arguments.set(name, value);
  }
  tell(client, "migrate-set-parameters", std::move(arguments), call);
}

void migrate(Client& client, const MigrationUri& uri, const CallContext& call) {
  tell(client, "migrate", Value::map({{"uri", uri.text()}}), call);
}

void migrate_incoming(Client& client, const MigrationUri& uri, const CallContext& call) {
  tell(client, "migrate-incoming", Value::map({{"uri", uri.text()}}), call);
}

void migrate_cancel(Client& client, const CallContext& call) { tell(client, "migrate_cancel", {}, call); }

void migrate_continue(Client& client, const std::string& state, const CallContext& call) {
  tell(client, "migrate-continue", Value::map({{"state", state}}), call);
}

}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#include "qmp_test_support.hpp"
#include "visor/sdk/qmp/commands/migration.hpp"

namespace visor::sdk::qmp {
namespace {

TEST(QmpMigration, StatusBeforeAnyHasNothing) {
  FakeQmpServer server{ready_script().expect("query-migrate", Value{}).reply()};
  const auto status = query_migrate(*connect(server), plenty);
  EXPECT_EQ(status.status, "");
  EXPECT_EQ(status.phase(), MigrationPhase::none);
  EXPECT_FALSE(status.ram);
  EXPECT_FALSE(status.disk);
  EXPECT_FALSE(status.xbzrle);
  EXPECT_FALSE(status.total_time);
  EXPECT_TRUE(status.blocked_reasons.empty());
}

Value full_status() {
  auto ram = Value::map({{"total", 9'007'199'254'740'993}, {"remaining", 2}, {"transferred", 3}});
  ram.set("duplicate", 4).set("normal", 5).set("normal-bytes", 6).set("dirty-sync-count", 7).set("mbps", 204.5);
  ram.set("dirty-pages-rate", 8).set("pages-per-second", 9).set("page-size", 4096);
  const auto disk = Value::map({{"total", 10}, {"remaining", 11}, {"transferred", 12}});
  auto cache = Value::map({{"cache-size", 64}, {"bytes", 1}, {"pages", 2}, {"cache-miss", 3}});
  cache.set("cache-miss-rate", 0.5).set("overflow", 4);
  auto status = Value::map({{"status", "active"}, {"ram", ram}, {"disk", disk}, {"xbzrle-cache", cache}});
  status.set("total-time", 100).set("setup-time", 2).set("expected-downtime", 300).set("downtime", 5);
  return status.set("error-desc", "why").set("blocked-reasons", Value::list({"a", "b"}));
}

TEST(QmpMigration, StatusHasEverythingThatQemuSays) {
  FakeQmpServer server{ready_script().expect("query-migrate").reply(full_status())};
  const auto status = query_migrate(*connect(server), plenty);
  EXPECT_EQ(status.phase(), MigrationPhase::running);
  ASSERT_TRUE(status.ram && status.disk && status.xbzrle);
  EXPECT_EQ(status.ram->total_bytes, 9'007'199'254'740'993U);
  EXPECT_EQ(status.ram->remaining_bytes, 2U);
  EXPECT_EQ(status.ram->transferred_bytes, 3U);
  EXPECT_EQ(status.ram->duplicate_pages, 4U);
  EXPECT_EQ(status.ram->normal_pages, 5U);
  EXPECT_EQ(status.ram->normal_bytes, 6U);
  EXPECT_EQ(status.ram->dirty_sync_count, 7U);
  EXPECT_EQ(status.ram->dirty_pages_per_s, 8U);
  EXPECT_EQ(status.ram->pages_per_s, 9U);
  EXPECT_EQ(status.ram->page_bytes, 4096U);
  EXPECT_DOUBLE_EQ(status.ram->megabits_per_s, 204.5);
  EXPECT_EQ(status.disk->total_bytes, 10U);
  EXPECT_EQ(status.disk->remaining_bytes, 11U);
  EXPECT_EQ(status.disk->transferred_bytes, 12U);
  EXPECT_EQ(status.xbzrle->cache_bytes, 64U);
  EXPECT_EQ(status.xbzrle->bytes, 1U);
  EXPECT_EQ(status.xbzrle->pages, 2U);
  EXPECT_EQ(status.xbzrle->cache_misses, 3U);
  EXPECT_DOUBLE_EQ(status.xbzrle->cache_miss_rate, 0.5);
  EXPECT_EQ(status.xbzrle->overflows, 4U);
  EXPECT_EQ(status.total_time, 100ms);
  EXPECT_EQ(status.setup_time, 2ms);
  EXPECT_EQ(status.expected_downtime, 300ms);
  EXPECT_EQ(status.downtime, 5ms);
  EXPECT_EQ(status.error, "why");
  EXPECT_EQ(status.blocked_reasons, (std::vector<std::string>{"a", "b"}));
}

TEST(QmpMigration, EveryWordOfQemusIsInAPhase) {
  const auto phase = [](const char* word) { return MigrationStatus{.status = word}.phase(); };
  EXPECT_EQ(phase("none"), MigrationPhase::none);
  for (const auto* const word : {"setup", "active", "pre-switchover", "device", "cancelling", "postcopy-active",
                                 "wait-unplug", "a word of a later QEMU"}) {
    EXPECT_EQ(phase(word), MigrationPhase::running) << word;
  }
  EXPECT_EQ(phase("completed"), MigrationPhase::completed);
  EXPECT_EQ(phase("failed"), MigrationPhase::failed);
  EXPECT_EQ(phase("cancelled"), MigrationPhase::cancelled);
}

TEST(QmpMigration, StatusNamesTheMemberThatIsWrong) {
  const auto ram = Value::map({{"total", 1}, {"remaining", "2"}, {"transferred", 3}});
  FakeQmpServer server{ready_script().expect("query-migrate").reply(Value::map({{"ram", ram}}))};
  const auto error = error_of([&] { (void)query_migrate(*connect(server), plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message(),
            "The answer to query-migrate is not as documented: ram.remaining is a string, not an integer");
}

TEST(QmpMigration, CapabilitiesAreReadAndSet) {
  const auto one = Value::map({{"capability", "x-ignore-shared"}, {"state", true}});
  FakeQmpServer server{ready_script()
                           .expect("query-migrate-capabilities", Value{})
                           .reply(Value::list({Value::map({{"state", true}, {"capability", "events"}})}))
                           .expect("migrate-set-capabilities", Value::map({{"capabilities", Value::list({one})}}))
                           .reply()
                           .expect("migrate-set-capabilities")
                           .fail("GenericError", "Parameter 'capability' does not accept value 'x'")};
  const auto client = connect(server);
  const auto capabilities = query_migrate_capabilities(*client, plenty);
  ASSERT_EQ(capabilities.size(), 1U);
  EXPECT_EQ(capabilities[0].name, "events");
  EXPECT_TRUE(capabilities[0].on);
  migrate_set_capabilities(*client, {{"x-ignore-shared", true}}, plenty);
  EXPECT_EQ(code_of([&] { migrate_set_capabilities(*client, {{"x", true}}, plenty); }), Errc::hypervisor_error);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpMigration, ParametersAreReadAndSet) {
  auto all = Value::map({{"tls-creds", ""}, {"xbzrle-cache-size", 64}, {"downtime-limit", 300}});
  all.set("max-bandwidth", std::uint64_t{1} << 62U).set("multifd-channels", 2);
  auto sent = Value::map({{"max-bandwidth", std::uint64_t{1} << 62U}, {"downtime-limit", 300}});
  sent.set("xbzrle-cache-size", 64).set("multifd-channels", 2).set("tls-creds", "");
  FakeQmpServer server{ready_script()
                           .expect("query-migrate-parameters", Value{})
                           .reply(all)
                           .expect("migrate-set-parameters", sent)
                           .reply()
                           .expect("query-migrate-parameters")
                           .reply(Value::list())};
  const auto client = connect(server);
  const auto parameters = query_migrate_parameters(*client, plenty);
  EXPECT_EQ(parameters.max_bandwidth_bytes_per_s, std::uint64_t{1} << 62U);
  EXPECT_EQ(parameters.downtime_limit, 300ms);
  EXPECT_EQ(parameters.xbzrle_cache_bytes, 64U);
  EXPECT_EQ(parameters.multifd_channels, 2U);
  EXPECT_EQ(parameters.others, Value::map({{"tls-creds", ""}}));
  migrate_set_parameters(*client, parameters, plenty);
  EXPECT_EQ(code_of([&] { (void)query_migrate_parameters(*client, plenty); }), Errc::hypervisor_error);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpMigration, BeginsCancelsAndGoesOn) {
  FakeQmpServer server{ready_script()
                           .expect("migrate", Value::map({{"uri", "unix:/s"}}))
                           .reply()
                           .expect("migrate-incoming", Value::map({{"uri", "fd:in"}}))
                           .fail("GenericError", "'-incoming' was not specified on the command line")
                           .expect("migrate_cancel", Value{})
                           .reply()
                           .expect("migrate-continue", Value::map({{"state", "pre-switchover"}}))
                           .reply()};
  const auto client = connect(server);
  migrate(*client, MigrationUri::unix_socket("/s"), plenty);
  EXPECT_EQ(code_of([&] { migrate_incoming(*client, MigrationUri::fd("in"), plenty); }), Errc::hypervisor_error);
  migrate_cancel(*client, plenty);
  migrate_continue(*client, "pre-switchover", plenty);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpMigrationUri, IsBuiltForSocketsAndDescriptors) {
  EXPECT_EQ(MigrationUri::unix_socket("/run/vm,1/s").text(), "unix:/run/vm,1/s");
  EXPECT_EQ(MigrationUri::tcp("192.0.2.1", 4444).text(), "tcp:192.0.2.1:4444");
  EXPECT_EQ(MigrationUri::tcp("2001:db8::1", 65535).text(), "tcp:[2001:db8::1]:65535");
  EXPECT_EQ(MigrationUri::tcp("", 1).text(), "tcp::1");
  EXPECT_EQ(MigrationUri::fd("state").text(), "fd:state");
  for (const auto* const text : {"unix:/s", "tcp:h:1", "tcp:[::1]:2", "tcp::3", "fd:x"}) {
    EXPECT_EQ(MigrationUri::parse(text).text(), text);
  }
}

TEST(QmpMigrationUri, RefusesAShellAndWhatIsNoPlace) {
  const auto refused = [](const std::string& text) {
    return code_of([&] { (void)MigrationUri::parse(text); }) == Errc::invalid_config;
  };
  for (const auto* const text :
       {"exec:cat >/x", "exec:", "", "bogus", "unix", "unix:", "unix:relative", "tcp:h", "tcp:h:", "tcp:h:65536",
        "tcp:h:-1", "tcp:h:1x", "tcp:h,ipv4=off:1", "tcp:a b:1", "fd:", "fd:3", "unix:/a\nb", "EXEC:x"}) {
    EXPECT_TRUE(refused(text)) << text;
  }
  EXPECT_TRUE(refused("unix:/" + std::string(107, 'x')));
  EXPECT_FALSE(refused("unix:/" + std::string(106, 'x')));
  EXPECT_TRUE(refused(std::string{"unix:/a\0b", 9}));
  const auto error = error_of([] { (void)MigrationUri::parse("exec:cat"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message(), "exec: would run text in a shell: migrate to a descriptor instead (fd:)");
}

}  // namespace
}  // namespace visor::sdk::qmp

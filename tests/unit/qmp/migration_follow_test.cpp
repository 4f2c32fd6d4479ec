// SPDX-License-Identifier: Apache-2.0
// Migrations from begin to end, with a QEMU that is played.
#include "progress_log.hpp"
#include "qmp_test_support.hpp"
#include "visor/sdk/qmp/commands/migration.hpp"

#include <algorithm>
#include <atomic>

namespace visor::sdk::qmp {
namespace {

MigrationPlan plan(std::vector<std::string> capabilities = {}) {
  return {.uri = MigrationUri::fd("out"), .capabilities = std::move(capabilities)};
}

Value state(const char* status) { return Value::map({{"status", status}}); }

Value active(std::uint64_t remaining) {
  const auto ram = Value::map({{"total", 100}, {"remaining", remaining}, {"transferred", 7}});
  return state("active").set("ram", ram);
}

Value run_state(const char* status) { return Value::map({{"running", false}, {"status", status}}); }

Value capability(const char* name, bool on) { return Value::map({{"capability", name}, {"state", on}}); }

/// A dialogue up to the command migrate, whose events are on.
QmpScript prepared_script() {
  return std::move(ready_script()
                       .expect("query-migrate", Value{})
                       .reply()
                       .expect("query-migrate-capabilities", Value{})
                       .reply(Value::list({capability("events", true)})));
}

/// The commands that a fake got, without those of the connection.
std::vector<std::string> commands_of(const FakeQmpServer& server) {
  std::vector<std::string> names;
  for (const auto& command : server.received()) names.push_back(command.at("execute").as_string());
  return names;
}

bool got(const FakeQmpServer& server, const std::string& command) {
  const auto names = commands_of(server);
  return std::find(names.begin(), names.end(), command) != names.end();
}

TEST(QmpSendMigration, SetsUpBeginsFollowsAndReports) {
  const auto wanted =
      Value::list({capability("xbzrle", false), capability("events", true), capability("multifd", true)});
  FakeQmpServer server{
      ready_script()
          .expect("query-migrate", Value{})
          .reply(state("failed"))  // an earlier attempt
          .expect("query-migrate-capabilities", Value{})
          .reply(Value::list({capability("xbzrle", true), capability("events", false), capability("multifd", false),
                              capability("return-path", false), capability("validate-uuid", true)}))
          .expect("migrate-set-capabilities", Value::map({{"capabilities", wanted}}))
          .reply()
          .expect("migrate-set-parameters", Value::map({{"max-bandwidth", 0}, {"downtime-limit", 50}}))
          .reply()
          .expect("migrate", Value::map({{"uri", "fd:out"}}))
          .event("MIGRATION", state("setup"))
          .reply()
          .expect("query-migrate")
          .reply(active(60))
          .expect("query-migrate")
          .event("MIGRATION", state("completed"))
          .reply(active(20))
          .expect("query-migrate")
          .reply(state("completed").set("downtime", 3))
          .expect("query-status", Value{})
          .reply(run_state("finish-migrate"))
          .expect("query-status")
          .reply(run_state("postmigrate"))};
  auto it = plan({"multifd", "validate-uuid"});
  it.parameters.max_bandwidth_bytes_per_s = 0;
  it.parameters.downtime_limit = 50ms;
  ProgressLog log;
  EXPECT_EQ(send_migration(*connect(server), it, {in(plenty), {}, &log}).downtime, 3ms);
  EXPECT_EQ(log.lines(), (std::vector<std::string>{"migrate 40/100", "migrate 80/100"}));
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpSendMigration, BlockersAreNamedBeforeAnythingIsChanged) {
  const auto blockers = Value::list({"non-migratable device: nvme", "vhost lacks logging"});
  FakeQmpServer server{
      ready_script().expect("query-migrate").reply(Value::map({{"blocked-reasons", blockers}})).expect_end()};
  auto client = connect(server);
  const auto error = error_of([&] { (void)send_migration(*client, plan(), plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::unsupported);
  EXPECT_EQ(error->message(), "The machine cannot be migrated now: non-migratable device: nvme; vhost lacks logging");
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpSendMigration, AnotherOneOrAMissingCapabilityIsRefused) {
  FakeQmpServer server{ready_script()
                           .expect("query-migrate")
                           .reply(active(1))
                           .expect("query-migrate")
                           .reply()
                           .expect("query-migrate-capabilities")
                           .reply(Value::list({capability("events", false)}))
                           .expect_end()};
  auto client = connect(server);
  EXPECT_EQ(code_of([&] { (void)send_migration(*client, plan(), plenty); }), Errc::busy);
  const auto error = error_of([&] { (void)send_migration(*client, plan({"events", "x-fast", "y"}), plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::unsupported);
  EXPECT_EQ(error->message(), "This QEMU cannot migrate with the capability x-fast; y");
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpSendMigration, OneThatIsRefusedIsNotCalledOff) {
  FakeQmpServer server{
      prepared_script().expect("migrate").fail("GenericError", "There's a migration process in progress").expect_end()};
  auto client = connect(server);
  EXPECT_EQ(code_of([&] { (void)send_migration(*client, plan(), plenty); }), Errc::hypervisor_error);
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpSendMigration, OneThatWasNeverSentIsNotCalledOff) {
  // Room for every command but the one that begins it: what runs now is somebody else's.
  FakeQmpServer server{prepared_script().expect_end()};
  auto client = connect(server, {.max_queued_bytes = 100});
  const MigrationPlan far{.uri = MigrationUri::unix_socket("/" + std::string(90, 'x'))};
  EXPECT_EQ(code_of([&] { (void)send_migration(*client, far, plenty); }), Errc::exhausted);
  client.reset();
  EXPECT_EQ(server.finish(), "");

  FakeQmpServer full{ready_script().expect_end()};
  client = connect(full, {.max_unanswered = 0});
  EXPECT_EQ(code_of([&] { (void)send_migration(*client, plan(), plenty); }), Errc::exhausted);
  EXPECT_EQ(code_of([&] { (void)send_migration(*client, plan(), 0ms); }), Errc::timeout);
  client.reset();
  EXPECT_EQ(full.finish(), "");
}

TEST(QmpSendMigration, FailureHasQemusReasonOrSaysThatThereIsNone) {
  FakeQmpServer with{prepared_script()
                         .expect("migrate")
                         .reply()
                         .expect("query-migrate")
                         .reply(state("failed").set("error-desc", "Unable to write to socket: Broken pipe"))
                         .expect("query-status")
                         .reply(run_state("running"))
                         .expect_end()};
  auto client = connect(with);
  const auto error = error_of([&] { (void)send_migration(*client, plan(), plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::hypervisor_error);
  EXPECT_EQ(error->message(), "Failed: the migration to fd:out: Unable to write to socket: Broken pipe");
  client.reset();
  EXPECT_EQ(with.finish(), "");

  FakeQmpServer without{prepared_script().expect("migrate").reply().expect("query-migrate").reply(state("failed"))};
  const auto silent = error_of([&] { (void)send_migration(*connect(without), plan(), plenty); });
  ASSERT_TRUE(silent);
  EXPECT_EQ(silent->message(), "Failed: the migration to fd:out: QEMU gives no reason");

  FakeQmpServer other{prepared_script().expect("migrate").reply().expect("query-migrate").reply(state("cancelled"))};
  const auto cancelled = error_of([&] { (void)send_migration(*connect(other), plan(), plenty); });
  ASSERT_TRUE(cancelled);
  EXPECT_EQ(cancelled->code(), Errc::hypervisor_error);
  EXPECT_EQ(cancelled->message(), "Somebody else cancelled the migration to fd:out");
}

TEST(QmpSendMigration, GoesOnWhenQemuWaitsBeforeTheSwitchover) {
  FakeQmpServer server{prepared_script()
                           .expect("migrate")
                           .reply()
                           .expect("query-migrate")
                           .reply(state("pre-switchover"))
                           .expect("migrate-continue", Value::map({{"state", "pre-switchover"}}))
                           .fail("GenericError", "Migration not in expected state: device")
                           .expect("query-migrate")
                           .reply(state("completed"))
                           .expect("query-status")
                           .reply(run_state("postmigrate"))};
  EXPECT_EQ(send_migration(*connect(server), plan(), plenty).status, "completed");
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpSendMigration, EventsAreNotNeeded) {
  FakeQmpServer server{ready_script()
                           .expect("query-migrate")
                           .reply()
                           .expect("query-migrate-capabilities")
                           .reply(Value::list())  // a QEMU without the capability events
                           .expect("migrate")
                           .reply()
                           .expect("query-migrate")
                           .reply(state("setup"))
                           .expect("query-migrate")
                           .reply(state("completed"))
                           .expect("query-status")
                           .reply(run_state("postmigrate"))};
  EXPECT_EQ(send_migration(*connect(server), plan(), plenty).status, "completed");
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpSendMigration, AnEndOfQemuIsNotTakenForSuccess) {
  FakeQmpServer server{prepared_script().expect("migrate").reply().expect("query-migrate").close()};
  EXPECT_EQ(code_of([&] { (void)send_migration(*connect(server), plan(), plenty); }), Errc::disconnected);
}

/// A QEMU whose migration never ends by itself.
struct Endless {
  std::atomic<const char*> status = "none";
  const char* after_cancel = "cancelled";

  QmpScript script() {
    const auto nothing = [](const Value&) { return Value::map(); };
    return std::move(ready_script().serve({{"query-migrate", [this](const Value&) { return state(status); }},
                                           {"query-migrate-capabilities", [](const Value&) { return Value::list(); }},
                                           {"migrate",
                                            [this](const Value&) {
                                              status = "active";
                                              return Value::map();
                                            }},
                                           {"migrate-incoming", nothing},
                                           {"query-status", [](const Value&) { return run_state("running"); }},
                                           {"migrate_cancel", [this](const Value&) {
                                              status = after_cancel;
                                              return Value::map();
                                            }}}));
  }
};

TEST(QmpSendMigration, IsCalledOffAtItsDeadline) {
  Endless qemu;
  FakeQmpServer server{qemu.script()};
  const auto error = error_of([&] { (void)send_migration(*connect(server), plan(), 300ms); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::timeout);
  EXPECT_EQ(error->message(), "Timed out while waiting for the migration to fd:out; it was called off");
  EXPECT_EQ(commands_of(server).back(), "query-status");
  EXPECT_TRUE(got(server, "migrate_cancel"));
}

TEST(QmpSendMigration, IsCalledOffWhenItsCallerCancels) {
  Endless qemu;
  FakeQmpServer server{qemu.script()};
  const auto client = connect(server);
  CancelSource cancel;
  std::thread canceller{[&] {
    while (std::string_view{qemu.status} != "active") std::this_thread::yield();
    cancel.cancel();
  }};
  const auto error = error_of([&] { (void)send_migration(*client, plan(), {in(plenty), cancel.token()}); });
  canceller.join();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::cancelled);
  EXPECT_TRUE(got(server, "migrate_cancel"));
}

TEST(QmpSendMigration, SaysWhenItCannotBeCalledOff) {
  Endless qemu;
  qemu.after_cancel = "cancelling";
  FakeQmpServer server{qemu.script()};
  auto it = plan();
  it.call_off_limit = 100ms;
  const auto error = error_of([&] { (void)send_migration(*connect(server), it, 300ms); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::timeout);
  EXPECT_NE(error->message().find("it could not be called off in time and may still run"), std::string::npos);
}

TEST(QmpSendMigration, OneThatIsCompleteWhenItIsCalledOffIsASuccess) {
  Endless qemu;
  qemu.after_cancel = "completed";
  FakeQmpServer server{qemu.script()};
  EXPECT_EQ(send_migration(*connect(server), plan(), 300ms).status, "completed");
}

TEST(QmpSendMigration, IsCalledOffWhenItCannotBeFollowed) {
  FakeQmpServer server{prepared_script()
                           .expect("migrate")
                           .reply()
                           .expect("query-migrate")
                           .reply(Value::list())
                           .expect("migrate_cancel", Value{})
                           .reply()
                           .expect("query-migrate")
                           .reply(state("cancelled"))
                           .expect("query-status")
                           .reply(run_state("running"))};
  const auto error = error_of([&] { (void)send_migration(*connect(server), plan(), plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message(),
            "The answer to query-migrate is not as documented: it is a list, not a map; it was called off");
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpReceiveMigration, WaitsUntilAllHasCome) {
  FakeQmpServer server{prepared_script()
                           .expect("migrate-incoming", Value::map({{"uri", "fd:out"}}))
                           .event("MIGRATION", state("setup"))
                           .reply()
                           .expect("query-migrate")
                           .reply()
                           .expect("query-migrate")
                           .event("MIGRATION", state("completed"))
                           .reply(state("active"))
                           .expect("query-migrate")
                           .reply(state("completed"))};
  EXPECT_EQ(receive_migration(*connect(server), plan(), plenty).status, "completed");
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpReceiveMigration, AnEndOfQemuSaysWhatIsKnown) {
  FakeQmpServer server{prepared_script().expect("migrate-incoming").reply().expect("query-migrate").close()};
  ClientOptions options;
  options.loss_cause = [](Deadline) { return std::string{"load of migration failed: Invalid argument"}; };
  const auto client = connect(server, options);
  const auto error = error_of([&] { (void)receive_migration(*client, plan(), plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::disconnected);
  EXPECT_NE(error->message().find("load of migration failed: Invalid argument"), std::string::npos) << error->message();
  EXPECT_EQ(error->message().find("QEMU ended during the migration from fd:out"), 0U) << error->message();
}

TEST(QmpReceiveMigration, AnEndOfTheSessionByThisSideIsNoEndOfQemu) {
  struct ShutAtProgress : ProgressSink {
    explicit ShutAtProgress(Client& client) : client_{client} {}
    void progress(std::string_view, std::uint64_t, std::uint64_t) noexcept override { client_.shutdown(); }
    Client& client_;
  };
  FakeQmpServer server{
      prepared_script().expect("migrate-incoming").reply().expect("query-migrate").reply(active(60)).expect_end()};
  const auto client = connect(server);
  ShutAtProgress sink{*client};
  const auto error = error_of([&] { (void)receive_migration(*client, plan(), {in(plenty), {}, &sink}); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::disconnected);
  EXPECT_EQ(error->message().find("QEMU ended"), std::string::npos) << error->message();
}

TEST(QmpReceiveMigration, EndsAtItsDeadlineWithoutACancelThatDoesNotExist) {
  Endless qemu;
  FakeQmpServer server{qemu.script()};
  EXPECT_EQ(code_of([&] { (void)receive_migration(*connect(server), plan(), 100ms); }), Errc::timeout);
  EXPECT_FALSE(got(server, "migrate_cancel"));
}

}  // namespace
}  // namespace visor::sdk::qmp

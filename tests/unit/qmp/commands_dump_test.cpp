// SPDX-License-Identifier: Apache-2.0
#include "progress_log.hpp"
#include "qmp_test_support.hpp"
#include "visor/sdk/qmp/commands/dump.hpp"

#include <limits>

namespace visor::sdk::qmp {
namespace {

Value dump_status(const char* status, std::uint64_t completed, std::uint64_t total) {
  return Value::map({{"total", total}, {"status", status}, {"completed", completed}});
}

/// A dialogue up to the command, with a guest that runs or does not.
QmpScript asked_script(bool running = false) {
  const auto status = Value::map({{"running", running}, {"status", running ? "running" : "prelaunch"}});
  return std::move(ready_script().expect("query-status", Value{}).reply(status));
}

Value plain_arguments() { return Value::map({{"paging", false}, {"protocol", "file:/d"}, {"detach", true}}); }

TEST(QmpDump, AlwaysDetachesAndReportsProgress) {
  FakeQmpServer server{asked_script()
                           .expect("dump-guest-memory", plain_arguments())
                           .event("STOP")
                           .reply()
                           .expect("query-dump", Value{})
                           .reply(dump_status("active", 5, 10))
                           .expect("query-dump", Value{})
                           .event("DUMP_COMPLETED", Value::map({{"result", dump_status("completed", 10, 10)}}))
                           .reply(dump_status("completed", 10, 10))};
  ProgressLog log;
  const CallContext call{in(plenty), {}, &log};
  const auto status = dump_guest_memory(*connect(server), {.target = "file:/d"}, call);
  EXPECT_EQ(status.status, "completed");
  EXPECT_EQ(status.completed_bytes, 10U);
  EXPECT_EQ(log.lines(), (std::vector<std::string>{"dump 5/10", "dump 10/10"}));
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpDump, TheEventMayComeBeforeTheAnswer) {
  FakeQmpServer server{asked_script()
                           .expect("dump-guest-memory")
                           .event("DUMP_COMPLETED", Value::map({{"result", dump_status("completed", 1, 1)}}))
                           .reply()
                           .expect("query-dump")
                           .reply(dump_status("completed", 1, 1))};
  EXPECT_EQ(dump_guest_memory(*connect(server), {.target = "fd:d"}, plenty).total_bytes, 1U);
}

TEST(QmpDump, AnEventOfAnotherDumpEndsNothing) {
  FakeQmpServer server{asked_script()
                           .expect("dump-guest-memory")
                           .event("DUMP_COMPLETED", Value::map({{"result", dump_status("completed", 9, 9)}}))
                           .reply()
                           .expect("query-dump")
                           .reply(dump_status("active", 1, 2))
                           .expect("query-dump")
                           .reply(dump_status("active", 1, 2))
                           .expect("query-dump")
                           .reply(dump_status("completed", 2, 2))};
  EXPECT_EQ(dump_guest_memory(*connect(server), {.target = "fd:d"}, plenty).total_bytes, 2U);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpDump, SendsARangeAndAFormat) {
  auto arguments = Value::map({{"paging", false}, {"protocol", "fd:d"}, {"detach", true}});
  arguments.set("begin", std::numeric_limits<std::int64_t>::max()).set("length", 4096).set("format", "kdump-zlib");
  FakeQmpServer server{
      asked_script()
          .expect("dump-guest-memory", arguments)
          .fail("GenericError", "Invalid parameter 'protocol'")
          .expect("query-status")
          .reply(Value::map({{"running", false}, {"status", "prelaunch"}}))
          .expect("dump-guest-memory", Value::map({{"paging", true}, {"protocol", "fd:d"}, {"detach", true}}))
          .fail("GenericError", "Invalid parameter 'protocol'")};
  const auto client = connect(server);
  DumpRequest request{.target = "fd:d", .format = DumpFormat::kdump_zlib};
  request.begin = std::numeric_limits<std::int64_t>::max();
  request.length = 4096;
  EXPECT_EQ(code_of([&] { (void)dump_guest_memory(*client, request, plenty); }), Errc::hypervisor_error);
  EXPECT_EQ(code_of([&] { (void)dump_guest_memory(*client, {.target = "fd:d", .paging = true}, plenty); }),
            Errc::hypervisor_error);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpDump, RefusesWhatCannotBeBeforeItIsSent) {
  FakeQmpServer server{ready_script().expect_end()};
  auto client = connect(server);
  const auto refused = [&](const DumpRequest& request) {
    return code_of([&] { (void)dump_guest_memory(*client, request, plenty); }) == Errc::invalid_config;
  };
  EXPECT_TRUE(refused({.target = "/d"}));
  EXPECT_TRUE(refused({.target = "exec:cat"}));
  EXPECT_TRUE(refused({.target = "fd:d", .begin = 1}));
  EXPECT_TRUE(refused({.target = "fd:d", .paging = true, .format = DumpFormat::kdump_lzo}));
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpDump, AFailureHasTheReasonOfTheEvent) {
  FakeQmpServer server{asked_script()
                           .expect("dump-guest-memory")
                           .reply()
                           .expect("query-dump")
                           .reply(dump_status("failed", 1, 2))
                           .event("DUMP_COMPLETED", Value::map({{"error", "dump: failed to save memory: No space"}}))};
  const auto error = error_of([&] { (void)dump_guest_memory(*connect(server), {.target = "file:/d"}, plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::hypervisor_error);
  EXPECT_EQ(error->message(), "The memory dump to file:/d failed: dump: failed to save memory: No space");
}

TEST(QmpDump, EndsAtItsDeadlineWhileQemuGoesOn) {
  FakeQmpServer server{ready_script().serve(
      {{"query-status", [](const Value&) { return Value::map({{"running", false}, {"status", "paused"}}); }},
       {"dump-guest-memory", [](const Value&) { return Value::map(); }},
       {"query-dump", [](const Value&) { return dump_status("active", 0, 1); }}})};
  const auto client = connect(server);
  const auto late = error_of([&] { (void)dump_guest_memory(*client, {.target = "fd:d"}, 300ms); });
  ASSERT_TRUE(late);
  EXPECT_EQ(late->code(), Errc::timeout);
  CancelSource cancel;
  CancelAtProgress canceller{cancel};
  const CallContext call{in(plenty), cancel.token(), &canceller};
  EXPECT_EQ(code_of([&] { (void)dump_guest_memory(*client, {.target = "fd:d"}, call); }), Errc::cancelled);
}

TEST(QmpDump, AGuestThatRanRunsAgainWhenItReturns) {
  const auto status = [](bool running) {
    return Value::map({{"running", running}, {"status", running ? "running" : "paused"}});
  };
  FakeQmpServer server{asked_script(true)
                           .expect("dump-guest-memory")
                           .event("STOP")
                           .reply()
                           .expect("query-dump")
                           .reply(dump_status("completed", 1, 1))
                           .expect("query-status")
                           .reply(status(false))
                           .expect("query-status")
                           .event("RESUME")
                           .reply(status(true))};
  EXPECT_EQ(dump_guest_memory(*connect(server), {.target = "fd:d"}, plenty).status, "completed");
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpDump, ListsTheFormatsThatItKnows) {
  FakeQmpServer server{ready_script()
                           .expect("query-dump-guest-memory-capability", Value{})
                           .reply(Value::map({{"formats", Value::list({"elf", "kdump-raw-zlib", "win-dmp"})}}))
                           .expect("query-dump-guest-memory-capability")
                           .reply()};
  const auto client = connect(server);
  EXPECT_EQ(query_dump_guest_memory_capability(*client, plenty),
            (std::vector<DumpFormat>{DumpFormat::elf, DumpFormat::win_dmp}));
  EXPECT_EQ(code_of([&] { (void)query_dump_guest_memory_capability(*client, plenty); }), Errc::hypervisor_error);
}

}  // namespace
}  // namespace visor::sdk::qmp

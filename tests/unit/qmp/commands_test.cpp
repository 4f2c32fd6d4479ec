// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/commands.hpp"

#include "qmp_test_support.hpp"

namespace visor::sdk::qmp {
namespace {

TEST(QmpCommands, ReadTheirAnswers) {
  auto cpu = Value::map({{"thread-id", 4711}, {"cpu-index", 1}, {"qom-path", "/machine/x"}, {"target", "x86_64"}});
  FakeQmpServer server{ready_script()
                           .expect("query-status", Value{})
                           .reply(Value::map({{"status", "prelaunch"}, {"singlestep", false}, {"running", false}}))
                           .expect("query-cpus-fast", Value{})
                           .reply(Value::list({cpu}))
                           .expect("cont", Value{})
                           .reply()
                           .expect("stop", Value{})
                           .reply()
                           .expect("system_powerdown", Value{})
                           .reply()};
  const auto client = connect(server);
  const auto status = query_status(*client, plenty);
  EXPECT_FALSE(status.running);
  EXPECT_EQ(status.status, "prelaunch");
  EXPECT_EQ(status.singlestep, false);
  const auto cpus = query_cpus_fast(*client, plenty);
  ASSERT_EQ(cpus.size(), 1U);
  EXPECT_EQ(cpus[0].index, 1U);
  EXPECT_EQ(cpus[0].thread_id, 4711);
  EXPECT_EQ(cpus[0].qom_path, "/machine/x");
  EXPECT_EQ(cpus[0].target, "x86_64");
  cont(*client, plenty);
  stop(*client, plenty);
  system_powerdown(*client, plenty);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpCommands, StateWhoTheMachineIs) {
  FakeQmpServer server{
      ready_script()
          .expect("query-name", Value{})
          .reply()
          .expect("query-name", Value{})
          .reply(Value::map({{"name", "vm-1"}}))
          .expect("query-uuid", Value{})
          .reply(Value::map({{"UUID", "00000000-0000-0000-0000-000000000001"}}))
          .expect("query-version", Value{})
          .reply(Value::map({{"qemu", Value::map({{"micro", 1}, {"minor", 0}, {"major", 9}})}, {"package", "p"}}))};
  const auto client = connect(server);
  EXPECT_EQ(query_name(*client, plenty), "");
  EXPECT_EQ(query_name(*client, plenty), "vm-1");
  EXPECT_EQ(query_uuid(*client, plenty), "00000000-0000-0000-0000-000000000001");
  EXPECT_EQ(query_version(*client, plenty), (Version{9, 0, 1, "p"}));
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpCommands, AStatusOfALaterQemuHasNoSinglestep) {
  FakeQmpServer server{
      ready_script().expect("query-status").reply(Value::map({{"running", true}, {"status", "running"}}))};
  const auto status = query_status(*connect(server), plenty);
  EXPECT_TRUE(status.running);
  EXPECT_EQ(status.singlestep, std::nullopt);
}

TEST(QmpCommands, ResetAndWakeUpKeepQemusWords) {
  FakeQmpServer server{ready_script()
                           .expect("system_reset", Value{})
                           .event("RESET", Value::map({{"guest", false}, {"reason", "host-qmp-system-reset"}}))
                           .reply()
                           .expect("system_wakeup", Value{})
                           .fail("GenericError", "Unable to wake up: guest is not in suspended state")};
  const auto client = connect(server);
  system_reset(*client, plenty);
  const auto error = error_of([&] { system_wakeup(*client, plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::hypervisor_error);
  EXPECT_NE(error->message().find("guest is not in suspended state"), std::string::npos);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpCommands, NameTheCommandWhoseAnswerHasAnotherShape) {
  FakeQmpServer server{
      ready_script().expect("query-status").reply(Value::list({})).expect("query-cpus-fast").reply(Value::map())};
  const auto client = connect(server);
  const auto error = error_of([&] { (void)query_status(*client, plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::hypervisor_error);
  EXPECT_EQ(error->message(), "The answer to query-status is not as documented: it is a list, not a map");
  EXPECT_EQ(code_of([&] { (void)query_cpus_fast(*client, plenty); }), Errc::hypervisor_error);
}

TEST(QmpCommands, QuitSucceedsWhetherTheAnswerOrTheEndComesFirst) {
  FakeQmpServer answers{ready_script().expect("quit").event("SHUTDOWN").reply().close()};
  quit(*connect(answers), plenty);
  FakeQmpServer ends{ready_script().expect("quit").close()};
  const auto client = connect(ends);
  quit(*client, plenty);
  EXPECT_EQ(code_of([&] { quit(*client, plenty); }), Errc::disconnected);
}

TEST(QmpCommands, QuitFailsWhenTheDeadlinePasses) {
  FakeQmpServer server{ready_script().silence()};
  const auto client = connect(server);
  EXPECT_EQ(code_of([&] { quit(*client, brief); }), Errc::timeout);
}

}  // namespace
}  // namespace visor::sdk::qmp

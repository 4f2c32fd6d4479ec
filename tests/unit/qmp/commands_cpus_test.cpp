// SPDX-License-Identifier: Apache-2.0
#include "qmp_test_support.hpp"
#include "visor/sdk/qmp/commands/cpus.hpp"

namespace visor::sdk::qmp {
namespace {

Value cpu_on(const char* target, Value props) {
  return Value::map({{"thread-id", 5'000'000'000},
                     {"props", std::move(props)},
                     {"qom-path", "/machine/unattached/device[0]"},
                     {"cpu-index", 3},
                     {"target", target}});
}

TEST(QmpCpus, HaveTheIdsThatTheirArchitectureHas) {
  auto s390 = cpu_on("s390x", Value::map({{"core-id", 0}}));
  s390.set("cpu-state", "stopped");
  const auto arm = cpu_on(
      "aarch64", Value::map({{"core-id", 0}, {"thread-id", 0}, {"socket-id", 0}, {"cluster-id", 2}, {"module-id", 7}}));
  FakeQmpServer server{ready_script().expect("query-cpus-fast", Value{}).reply(Value::list({s390, arm}))};
  const auto cpus = query_cpus_fast(*connect(server), plenty);
  ASSERT_EQ(cpus.size(), 2U);
  EXPECT_EQ(cpus[0].index, 3U);
  EXPECT_EQ(cpus[0].thread_id, 5'000'000'000);
  EXPECT_EQ(cpus[0].qom_path, "/machine/unattached/device[0]");
  EXPECT_EQ(cpus[0].target, "s390x");
  EXPECT_EQ(cpus[0].s390_state, "stopped");
  EXPECT_EQ(cpus[0].properties.core, 0);
  EXPECT_EQ(cpus[0].properties.socket, std::nullopt);
  EXPECT_EQ(cpus[0].properties.to_value(), Value::map({{"core-id", 0}}));
  EXPECT_EQ(cpus[1].s390_state, "");
  EXPECT_EQ(cpus[1].properties.cluster, 2);
  EXPECT_EQ(cpus[1].properties.die, std::nullopt);
  EXPECT_EQ(cpus[1].properties.node, std::nullopt);
  EXPECT_EQ(cpus[1].properties.thread, 0);
  EXPECT_EQ(cpus[1].properties.to_value(),
            Value::map({{"socket-id", 0}, {"cluster-id", 2}, {"core-id", 0}, {"thread-id", 0}, {"module-id", 7}}));
}

TEST(QmpCpus, PlacesThatAreFreeHaveNoPath) {
  const auto props = Value::map({{"core-id", 1}, {"node-id", 0}});
  auto taken = Value::map({{"props", props}, {"vcpus-count", 4}, {"type", "power9_v2.0-spapr-cpu-core"}});
  const auto free = taken;
  taken.set("qom-path", "/machine/unattached/device[1]");
  FakeQmpServer server{ready_script().expect("query-hotpluggable-cpus", Value{}).reply(Value::list({free, taken}))};
  const auto cpus = query_hotpluggable_cpus(*connect(server), plenty);
  ASSERT_TRUE(cpus);
  ASSERT_EQ(cpus->size(), 2U);
  EXPECT_EQ(cpus->at(0).type, "power9_v2.0-spapr-cpu-core");
  EXPECT_EQ(cpus->at(0).vcpus, 4U);
  EXPECT_EQ(cpus->at(0).properties.node, 0);
  EXPECT_EQ(cpus->at(0).properties.core, 1);
  EXPECT_EQ(cpus->at(0).qom_path, std::nullopt);
  EXPECT_EQ(cpus->at(1).qom_path, "/machine/unattached/device[1]");
}

TEST(QmpCpus, AMachineWithoutHotplugIsNoFailureButOtherErrorsAre) {
  FakeQmpServer server{ready_script()
                           .expect("query-hotpluggable-cpus")
                           .fail("GenericError", "The feature 'query-hotpluggable-cpus' is not enabled")
                           .expect("query-hotpluggable-cpus")
                           .fail("CommandNotFound", "The command query-hotpluggable-cpus has not been found")
                           .expect("query-hotpluggable-cpus")
                           .reply(Value::list({Value::map({{"type", "x"}, {"vcpus-count", -1}})}))
                           .expect("query-cpus-fast")
                           .reply(Value::list({cpu_on("x", Value::map({{"core-id", "1"}}))}))
                           .silence()};
  const auto client = connect(server);
  EXPECT_EQ(query_hotpluggable_cpus(*client, plenty), std::nullopt);
  EXPECT_EQ(code_of([&] { (void)query_hotpluggable_cpus(*client, plenty); }), Errc::hypervisor_error);
  const auto count = error_of([&] { (void)query_hotpluggable_cpus(*client, plenty); });
  ASSERT_TRUE(count);
  EXPECT_EQ(count->message(),
            "The answer to query-hotpluggable-cpus is not as documented: [0].vcpus-count is out of range");
  const auto id = error_of([&] { (void)query_cpus_fast(*client, plenty); });
  ASSERT_TRUE(id);
  EXPECT_EQ(id->message(),
            "The answer to query-cpus-fast is not as documented: [0].props.core-id is a string, not an integer");
  EXPECT_EQ(code_of([&] { (void)query_hotpluggable_cpus(*client, brief); }), Errc::timeout);
}

}  // namespace
}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#include "qmp_test_support.hpp"
#include "visor/sdk/qmp/commands/memory.hpp"
#include "visor/sdk/qmp/commands/qom.hpp"

#include <limits>

namespace visor::sdk::qmp {
namespace {

constexpr auto int_max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

Value memory_devices() {
  auto dimm = Value::map({{"memdev", "/objects/mem0"},
                          {"hotplugged", true},
                          {"addr", 9'007'199'254'740'993},
                          {"hotpluggable", true},
                          {"size", 134'217'728},
                          {"slot", 0},
                          {"node", 1},
                          {"id", "dimmmem0"}});
  auto virtio = Value::map({{"memdev", "/objects/m"},
                            {"memaddr", 4'294'967'296},
                            {"requested-size", 3},
                            {"size", 1},
                            {"max-size", 4},
                            {"block-size", 2},
                            {"node", 0}});
  auto later = Value::map({{"id", "b"}});
  return Value::list({Value::map({{"type", "dimm"}, {"data", dimm}}),
                      Value::map({{"type", "virtio-mem"}, {"data", virtio}}),
                      Value::map({{"type", "hv-balloon"}, {"data", later}})});
}

TEST(QmpMemory, DevicesHaveWhatTheirKindHas) {
  FakeQmpServer server{ready_script().expect("query-memory-devices", Value{}).reply(memory_devices())};
  const auto devices = query_memory_devices(*connect(server), plenty);
  ASSERT_EQ(devices.size(), 3U);
  const auto& dimm = devices[0];
  EXPECT_EQ(dimm.type, "dimm");
  EXPECT_EQ(dimm.id, "dimmmem0");
  EXPECT_EQ(dimm.address, 9'007'199'254'740'993U);  // not a double
  EXPECT_EQ(dimm.size_bytes, 134'217'728U);
  EXPECT_EQ(dimm.slot, 0);
  EXPECT_EQ(dimm.node, 1);
  EXPECT_EQ(dimm.memory_backend, "/objects/mem0");
  EXPECT_EQ(dimm.hotplugged, true);
  EXPECT_EQ(dimm.hotpluggable, true);
  EXPECT_EQ(dimm.requested_bytes, std::nullopt);
  const auto& virtio = devices[1];
  EXPECT_EQ(virtio.id, std::nullopt);
  EXPECT_EQ(virtio.address, 4'294'967'296U);
  EXPECT_EQ(virtio.size_bytes, 1U);
  EXPECT_EQ(virtio.requested_bytes, 3U);
  EXPECT_EQ(virtio.max_bytes, 4U);
  EXPECT_EQ(virtio.block_bytes, 2U);
  EXPECT_EQ(virtio.slot, std::nullopt);
  EXPECT_EQ(virtio.hotplugged, std::nullopt);
  EXPECT_EQ(devices[2].type, "hv-balloon");
  EXPECT_EQ(devices[2].size_bytes, std::nullopt);
}

TEST(QmpMemory, NamesTheMemberOfADeviceThatIsWrong) {
  FakeQmpServer server{ready_script()
                           .expect("query-memory-devices")
                           .reply(Value::list({Value::map({{"type", "dimm"}})}))
                           .expect("query-memory-devices")
                           .reply(Value::list({Value::map({{"type", "dimm"}, {"data", Value::map({{"size", -1}})}})}))};
  const auto client = connect(server);
  const auto none = error_of([&] { (void)query_memory_devices(*client, plenty); });
  ASSERT_TRUE(none);
  EXPECT_EQ(none->message(), "The answer to query-memory-devices is not as documented: [0].data is missing");
  const auto size = error_of([&] { (void)query_memory_devices(*client, plenty); });
  ASSERT_TRUE(size);
  EXPECT_EQ(size->message(), "The answer to query-memory-devices is not as documented: [0].data.size is out of range");
}

TEST(QmpMemory, SizeSummaryMayLackWhatWasPlugged) {
  FakeQmpServer server{ready_script()
                           .expect("query-memory-size-summary", Value{})
                           .reply(Value::map({{"base-memory", 1}, {"plugged-memory", 2}}))
                           .expect("query-memory-size-summary", Value{})
                           .reply(Value::map({{"base-memory", std::numeric_limits<std::uint64_t>::max()}}))};
  const auto client = connect(server);
  EXPECT_EQ(query_memory_size_summary(*client, plenty).plugged_bytes, 2U);
  const auto size = query_memory_size_summary(*client, plenty);
  EXPECT_EQ(size.base_bytes, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(size.plugged_bytes, std::nullopt);
}

TEST(QmpBalloon, SendsBytesAndKeepsTheClassOfARefusal) {
  const std::string none = "No balloon device has been activated";
  FakeQmpServer server{ready_script()
                           .expect("balloon", Value::map({{"value", int_max}}))
                           .reply()
                           .expect("balloon", Value::map({{"value", 1}}))
                           .fail("DeviceNotActive", none)
                           .expect("query-balloon", Value{})
                           .fail("DeviceNotActive", none)
                           .expect("query-balloon", Value{})
                           .reply(Value::map({{"actual", 268'435'456}}))
                           .expect_end()};
  auto client = connect(server);
  EXPECT_TRUE(balloon(*client, int_max, plenty).ok());
  const auto refused = balloon(*client, 1, plenty);
  EXPECT_TRUE(refused.refused(ErrorClass::device_not_active));
  EXPECT_EQ(refused.error()->description, none);
  EXPECT_EQ(query_balloon(*client, plenty), std::nullopt);
  EXPECT_EQ(query_balloon(*client, plenty), 268'435'456U);
  for (const auto bytes : {std::uint64_t{0}, int_max + 1, std::numeric_limits<std::uint64_t>::max()}) {
    const auto wrong = balloon(*client, bytes, plenty);
    ASSERT_TRUE(wrong.error()) << bytes;
    EXPECT_EQ(wrong.error()->code, Errc::invalid_config);
  }
  client.reset();
  EXPECT_EQ(server.finish(), "");  // nothing more was sent
}

TEST(QmpQom, ValuesAreExact) {
  const std::uint64_t odd = (std::uint64_t{1} << 63U) + 1;
  FakeQmpServer server{ready_script()
                           .expect("qom-get", Value::map({{"path", "vm0"}, {"property", "requested-size"}}))
                           .reply(odd)
                           .expect("qom-set", Value::map({{"path", "/machine"}, {"property", "p"}, {"value", odd}}))
                           .reply()
                           .expect("qom-set", Value::map({{"path", "/machine"}, {"property", "p"}, {"value", "text"}}))
                           .reply()
                           .expect("qom-list", Value::map({{"path", "/objects"}}))
                           .reply(Value::list({Value::map({{"name", "m"}, {"type", "child<memory-backend-ram>"}})}))};
  const auto client = connect(server);
  EXPECT_EQ(qom_get(*client, "vm0", "requested-size", plenty), Value{odd});
  qom_set(*client, "/machine", "p", odd, plenty);
  qom_set(*client, "/machine", "p", "text", plenty);
  const auto list = qom_list(*client, "/objects", plenty);
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].name, "m");
  EXPECT_EQ(list[0].type, "child<memory-backend-ram>");
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpQom, AnUnknownPathSaysSo) {
  FakeQmpServer server{
      ready_script().expect("qom-get").fail("DeviceNotFound", "Device 'nosuch' not found").expect("qom-list").reply(1)};
  const auto client = connect(server);
  const auto error = error_of([&] { (void)qom_get(*client, "nosuch", "x", plenty); });
  ASSERT_TRUE(error);
  EXPECT_NE(error->message().find("DeviceNotFound"), std::string::npos) << error->message();
  EXPECT_EQ(code_of([&] { (void)qom_list(*client, "/", plenty); }), Errc::hypervisor_error);
}

}  // namespace
}  // namespace visor::sdk::qmp

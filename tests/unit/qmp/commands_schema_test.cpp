// SPDX-License-Identifier: Apache-2.0
#include "qmp_test_support.hpp"
#include "visor/core/json.hpp"
#include "visor/sdk/qmp/commands/schema.hpp"

namespace visor::sdk::qmp {
namespace {

/// A small QEMU: every kind of entry, in QEMU's own form.
constexpr std::string_view schema_text = R"([
 {"name":"migrate","meta-type":"command","arg-type":"1","ret-type":"0"},
 {"name":"caps","meta-type":"command","arg-type":"2","ret-type":"0","features":["deprecated"],"allow-oob":true},
 {"name":"qom-set","meta-type":"command","arg-type":"5","ret-type":"0"},
 {"name":"device_add","meta-type":"command","arg-type":"6","ret-type":"0"},
 {"name":"backend","meta-type":"command","arg-type":"7","ret-type":"0"},
 {"name":"stop","meta-type":"command","arg-type":"0","ret-type":"0"},
 {"name":"STOP","meta-type":"event","arg-type":"0"},
 {"name":"0","meta-type":"object","members":[]},
 {"name":"1","meta-type":"object","members":[{"name":"uri","type":"str"},
   {"name":"resume","type":"bool","default":null,"features":["unstable"]}]},
 {"name":"2","meta-type":"object","members":[{"name":"capabilities","type":"[3]"}]},
 {"name":"[3]","meta-type":"array","element-type":"3"},
 {"name":"3","meta-type":"object","members":[{"name":"capability","type":"4"},{"name":"state","type":"bool"}]},
 {"name":"4","meta-type":"enum","members":[{"name":"xbzrle"},{"name":"events"}],"values":["xbzrle","events"]},
 {"name":"5","meta-type":"object","members":[{"name":"value","type":"any"}]},
 {"name":"6","meta-type":"object","members":[{"name":"driver","type":"str"},{"name":"id","type":"str","default":null}]},
 {"name":"7","meta-type":"object","members":[{"name":"type","type":"8"},{"name":"speed","type":"number","default":null},
   {"name":"peer","type":"9","default":null}],"tag":"type",
   "variants":[{"case":"file","type":"10"},{"case":"null","type":"0"}]},
 {"name":"8","meta-type":"enum","members":[{"name":"file"},{"name":"null"}]},
 {"name":"9","meta-type":"alternate","members":[{"type":"str"},{"type":"3"},{"type":"null"}]},
 {"name":"10","meta-type":"object","members":[{"name":"size","type":"int"}]},
 {"name":"str","meta-type":"builtin","json-type":"string"},
 {"name":"int","meta-type":"builtin","json-type":"int"},
 {"name":"number","meta-type":"builtin","json-type":"number"},
 {"name":"bool","meta-type":"builtin","json-type":"boolean"},
 {"name":"null","meta-type":"builtin","json-type":"null"},
 {"name":"any","meta-type":"builtin","json-type":"value"}
])";

const Schema& schema() {
  static const Schema value{parse_json(schema_text)};
  return value;
}

using Problems = std::vector<std::string>;

Problems check(std::string_view command) { return schema().check(parse_json(command)); }

TEST(QmpSchema, KnowsCommandsEventsAndFeatures) {
  EXPECT_EQ(schema().entries().size(), 25U);
  EXPECT_TRUE(schema().has_command("migrate"));
  EXPECT_FALSE(schema().has_command("STOP"));
  EXPECT_FALSE(schema().has_command("nosuch"));
  EXPECT_TRUE(schema().has_event("STOP"));
  EXPECT_FALSE(schema().has_event("stop"));
  EXPECT_TRUE(schema().has_feature("caps", "deprecated"));
  EXPECT_FALSE(schema().has_feature("migrate", "deprecated"));
  EXPECT_FALSE(schema().has_feature("nosuch", "deprecated"));
  ASSERT_TRUE(schema().find("migrate"));
  EXPECT_EQ(schema().find("migrate")->meta_type, "command");
  EXPECT_EQ(schema().find("1")->members[1].features, Problems{"unstable"});
  EXPECT_TRUE(schema().find("1")->members[1].optional);
  EXPECT_FALSE(Schema{}.has_command("migrate"));
}

TEST(QmpSchema, FindsArgumentsByTheirPath) {
  EXPECT_TRUE(schema().has_argument("migrate", "uri"));
  EXPECT_FALSE(schema().has_argument("migrate", "blk"));
  EXPECT_FALSE(schema().has_argument("nosuch", "uri"));
  ASSERT_TRUE(schema().argument("migrate", "uri"));
  EXPECT_EQ(schema().argument("migrate", "uri")->json_type, "string");
  EXPECT_TRUE(schema().has_enum_member("caps", "capabilities.capability", "events"));
  EXPECT_FALSE(schema().has_enum_member("caps", "capabilities.capability", "bypass-shared-memory"));
  EXPECT_FALSE(schema().has_enum_member("caps", "capabilities.nosuch", "events"));
  EXPECT_TRUE(schema().has_argument("backend", "size"));  // in a variant
  EXPECT_TRUE(schema().has_enum_member("backend", "type", "null"));
  EXPECT_TRUE(schema().has_argument("backend", "peer.state"));  // in an alternate
}

TEST(QmpSchema, PassesWhatIsRight) {
  for (const auto* const command :
       {R"({"execute":"stop","id":7})", R"({"exec-oob":"stop","arguments":{}})",
        R"({"execute":"migrate","arguments":{"uri":"fd:a","resume":true}})",
        R"({"execute":"caps","arguments":{"capabilities":[{"capability":"events","state":true}]}})",
        R"({"execute":"caps","arguments":{"capabilities":[]}})",
        R"({"execute":"qom-set","arguments":{"value":[1,null]}})",
        R"({"execute":"device_add","arguments":{"driver":"virtio-blk-pci","drive":"d","queues":2}})",
        R"({"execute":"backend","arguments":{"type":"file","size":18446744073709551615,"speed":2,"peer":"p"}})",
        R"({"execute":"backend","arguments":{"type":"null","speed":2.5,"peer":null}})",
        R"({"execute":"backend","arguments":{"type":"null","peer":{"capability":"xbzrle","state":false}}})"}) {
    EXPECT_EQ(check(command), Problems{}) << command;
  }
}

TEST(QmpSchema, FindsWhatQemuWouldRefuse) {
  EXPECT_EQ(check(R"({"id":1})"), Problems{"the command has no name"});
  EXPECT_EQ(check(R"({"execute":"nosuch"})"), Problems{"nosuch is no command of this QEMU"});
  EXPECT_EQ(check(R"({"execute":"STOP"})"), Problems{"STOP is no command of this QEMU"});
  EXPECT_EQ(check(R"({"execute":"migrate"})"), Problems{"migrate: uri is missing"});
  EXPECT_EQ(check(R"({"execute":"migrate","arguments":{"uri":1,"blk":true}})"),
            (Problems{"migrate: uri is an integer, not a string", "migrate: blk is unknown"}));
  EXPECT_EQ(check(R"({"execute":"migrate","arguments":[]})"), Problems{"migrate: arguments is a list, not an object"});
  EXPECT_EQ(check(R"({"execute":"caps","arguments":{"capabilities":[{"capability":"x","state":"on","y":1}]}})"),
            (Problems{"caps: capabilities[0].capability does not take 'x'",
                      "caps: capabilities[0].state is a string, not a boolean", "caps: capabilities[0].y is unknown"}));
  EXPECT_EQ(check(R"({"execute":"caps","arguments":{"capabilities":{}}})"),
            Problems{"caps: capabilities is a map, not a list"});
  EXPECT_EQ(check(R"({"execute":"device_add","arguments":{"id":"a"}})"), Problems{"device_add: driver is missing"});
  EXPECT_EQ(check(R"({"execute":"backend","arguments":{"type":"file"}})"), Problems{"backend: size is missing"});
  EXPECT_EQ(check(R"({"execute":"backend","arguments":{"type":"null","size":1}})"),
            Problems{"backend: size is unknown"});
  EXPECT_EQ(check(R"({"execute":"backend","arguments":{"type":"file","size":1.5}})"),
            Problems{"backend: size is a number, not an integer"});
  EXPECT_EQ(check(R"({"execute":"backend","arguments":{"type":"null","peer":3}})"),
            Problems{"backend: peer is an integer, not any of its kinds"});
}

TEST(QmpSchema, OneThatLeadsNowhereOrInCirclesIsBounded) {
  const Schema circles{parse_json(R"([
   {"name":"a","meta-type":"command","arg-type":"1"},{"name":"b","meta-type":"command","arg-type":"gone"},
   {"name":"1","meta-type":"object","members":[{"name":"t","type":"2"},{"name":"l","type":"3"},{"name":"o","type":"4"}],
    "tag":"t","variants":[{"case":"x","type":"1"},{"case":"x","type":"1"}]},
   {"name":"2","meta-type":"enum","values":["x"]},
   {"name":"3","meta-type":"array","element-type":"3"},
   {"name":"4","meta-type":"alternate","members":[{"type":"4"},{"type":"4"}]}])")};
  const auto command = parse_json(R"({"execute":"a","arguments":{"t":"x","l":[[[]]],"o":1}})");
  EXPECT_FALSE(circles.check(command).empty());
  EXPECT_EQ(circles.check(parse_json(R"({"execute":"b"})")), Problems{"b: arguments have a type without an entry"});
  EXPECT_FALSE(circles.has_argument("a", "l.l.l.nosuch"));
  EXPECT_FALSE(circles.has_argument("a", "o.nosuch"));
}

TEST(QmpSchema, IsAskedForAndItsShapeIsChecked) {
  FakeQmpServer server{ready_script()
                           .expect("query-qmp-schema", Value{})
                           .reply(parse_json(schema_text))
                           .expect("query-qmp-schema")
                           .reply(Value::list({Value::map({{"name", "x"}})}))};
  const auto client = connect(server);
  EXPECT_TRUE(query_qmp_schema(*client, plenty).has_command("migrate"));
  const auto error = error_of([&] { (void)query_qmp_schema(*client, plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message(), "The answer to query-qmp-schema is not as documented: [0].meta-type is missing");
}

Value property(const char* name, const char* type) { return Value::map({{"name", name}, {"type", type}}); }

TEST(QmpProperties, AreAskedForByType) {
  auto size = property("size", "size");
  size.set("description", "bytes").set("default-value", 0);
  FakeQmpServer server{
      ready_script()
          .expect("device-list-properties", Value::map({{"typename", "nvdimm"}}))
          .reply(Value::list({size, property("memdev", "link<memory-backend>")}))
          .expect("device-list-properties", Value::map({{"typename", "nosuch"}}))
          .fail("DeviceNotFound", "Device 'nosuch' not found")
          .expect("qom-list-types", Value::map({{"abstract", false}, {"implements", "memory-backend"}}))
          .reply(Value::list({Value::map({{"name", "memory-backend-ram"}, {"parent", "memory-backend"}})}))
          .expect("qom-list-types", Value::map({{"abstract", true}}))
          .reply(Value::list({Value::map({{"name", "object"}, {"abstract", true}})}))};
  const auto client = connect(server);
  const auto properties = device_list_properties(*client, "nvdimm", plenty);
  ASSERT_EQ(properties.size(), 2U);
  EXPECT_EQ(properties[0].name, "size");
  EXPECT_EQ(properties[0].type, "size");
  EXPECT_EQ(properties[0].description, "bytes");
  EXPECT_EQ(properties[0].default_value, Value{0});
  EXPECT_TRUE(properties[1].default_value.is_null());
  EXPECT_EQ(code_of([&] { (void)device_list_properties(*client, "nosuch", plenty); }), Errc::hypervisor_error);
  const auto types = qom_list_types(*client, "memory-backend", false, plenty);
  ASSERT_EQ(types.size(), 1U);
  EXPECT_EQ(types[0].name, "memory-backend-ram");
  EXPECT_EQ(types[0].parent, "memory-backend");
  EXPECT_FALSE(types[0].abstract);
  EXPECT_TRUE(qom_list_types(*client, std::nullopt, true, plenty).at(0).abstract);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpProperties, OfADeviceAreCheckedByNameAndType) {
  const std::vector<ObjectProperty> known = {{"share-rw", "bool"},
                                             {"num-queues", "uint16"},
                                             {"addr", "int32"},
                                             {"core-id", "int32"},
                                             {"drive", "str"},
                                             {"size", "size"},
                                             {"write-cache", "OnOffAuto"},
                                             {"rng", "link<rng-backend>"},
                                             {"features", "strList"}};
  const auto problems = [&](std::string_view device) { return check_properties(parse_json(device), known); };
  EXPECT_EQ(problems(R"({"driver":"d","id":"i","bus":"b","share-rw":true,"num-queues":4,"addr":"0x7","core-id":-1,
                         "drive":"x","size":1,"write-cache":"on","rng":"r","features":["a"]})"),
            Problems{});
  EXPECT_EQ(problems(R"({"driver":"d","addr":8})"), Problems{});
  EXPECT_EQ(problems(R"({"driver":"d","share-rw":"on","num-queues":"4","core-id":"1","nosuch":1,"drive":2})"),
            (Problems{"d: share-rw is a string, while it is of type bool",
                      "d: num-queues is a string, while it is of type uint16",
                      "d: core-id is a string, while it is of type int32", "d: nosuch is no property of it",
                      "d: drive is an integer, while it is of type str"}));
  EXPECT_EQ(check_properties(Value::list(), known), Problems{"a device without a driver: not an object"});
}

}  // namespace
}  // namespace visor::sdk::qmp

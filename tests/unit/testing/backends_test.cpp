// SPDX-License-Identifier: Apache-2.0
// What devices are given, and the command line that gives it. The texts were measured on QEMU 7.2.
#include "machine_fixture.hpp"
#include "raw_client.hpp"
#include "testing/qemu/words.hpp"

#include <fcntl.h>

#include <vector>

namespace visor::testing {
namespace {

using Backend = MachineTest;

TEST_F(Backend, BlockNodes) {
  boot({"-machine", "pc"});
  const auto add = [&](const std::string& rest) { return ask("blockdev-add", "{" + rest + "}"); };
  EXPECT_EQ(add(R"("node-name":"n")"), "Parameter 'driver' is missing");
  EXPECT_EQ(add(R"("driver":"null-co")"), "'node-name' must be specified for the root node");
  EXPECT_EQ(add(R"("driver":"nosuch","node-name":"n")"), "Parameter 'driver' does not accept value 'nosuch'");
  EXPECT_EQ(add(R"("driver":"raw","node-name":"0d")"), "Invalid node-name: '0d'");
  EXPECT_EQ(add(R"("driver":"raw","node-name":")" + std::string(32, 'x') + '"'), "Node name too long");
  EXPECT_EQ(add(R"("driver":"raw","node-name":"r","file":"nope")"), "Cannot find device='nope' nor node-name='nope'");
  EXPECT_EQ(add(R"("driver":"null-co","node-name":"f")"), "{}");
  EXPECT_EQ(add(R"("driver":"null-co","node-name":"f")"), "Duplicate nodes with node-name='f'");
  EXPECT_EQ(add(R"("driver":"raw","node-name":"r","file":"f","read-only":true)"), "{}");
  EXPECT_EQ(ask("query-named-block-nodes"),
            R"([{"node-name":"f","drv":"null-co","ro":false},{"node-name":"r","drv":"raw","ro":true}])");
  EXPECT_EQ(ask("blockdev-del", R"({"node-name":"f"})"), "Node f is in use");
  EXPECT_EQ(ask("device_add", R"({"driver":"virtio-blk-pci","drive":"r","id":"b"})"), "{}");
  EXPECT_EQ(ask("device_add", R"({"driver":"virtio-blk-pci","drive":"r"})").rfind("Permission conflict on node 'r'", 0),
            0U);
  EXPECT_EQ(ask("device_add", R"({"driver":"virtio-blk-pci","drive":"r","share-rw":true,"id":"c"})"), "{}");
  EXPECT_EQ(ask("blockdev-del", R"({"node-name":"r"})"), "Node r is in use");
  for (const auto* id : {"c", "b"}) EXPECT_EQ(ask("device_del", R"({"id":")" + std::string{id} + "\"}"), "{}");
  EXPECT_EQ(ask("blockdev-del", R"({"node-name":"r"})"), "{}");
  EXPECT_EQ(ask("blockdev-del", R"({"node-name":"f"})"), "{}");
  EXPECT_EQ(ask("blockdev-del", R"({"node-name":"r"})"), "Failed to find node with node-name='r'");
}

TEST_F(Backend, CharacterDevices) {
  boot({"-machine", "pc", "-chardev", "socket,id=m,fd=9", "-device", "virtio-serial-pci,id=s0"});
  const auto add = [&](const std::string& id, const std::string& backend) {
    return ask("chardev-add", R"({"id":")" + id + R"(","backend":)" + backend + "}");
  };
  EXPECT_EQ(ask("chardev-add", R"({"id":"c"})"), "Parameter 'backend' is missing");
  EXPECT_EQ(add("c", R"({"type":"nosuch","data":{}})"), "Parameter 'type' does not accept value 'nosuch'");
  EXPECT_EQ(add("c", R"({"type":"socket","data":{"addr":{},"server":false,"wait":false}})"),
            "Failed to add chardev 'c': 'wait' option is incompatible with socket in client connect mode");
  EXPECT_EQ(add("c", R"({"type":"socket","data":{"addr":{},"server":true,"wait":false}})"), "{}");
  EXPECT_EQ(add("c", R"({"type":"null","data":{}})"), "Chardev with id 'c' already exists");
  EXPECT_EQ(add("p", R"({"type":"pty","data":{}})").rfind("{\"pty\":\"/dev/pts/", 0), 0U);
  EXPECT_EQ(ask("device_add", R"({"driver":"virtserialport","chardev":"c","id":"port"})"), "{}");
  EXPECT_EQ(ask("device_add", R"({"driver":"virtserialport","chardev":"c"})"),
            "Property 'virtserialport.chardev' can't take value 'c': Device 'c' is in use");
  EXPECT_EQ(ask("query-chardev").rfind(R"([{"frontend-open":true,"filename":"socket","label":"c"})", 0), 0U);
  EXPECT_EQ(ask("chardev-remove", R"({"id":"c"})"), "Chardev 'c' is busy");
  EXPECT_EQ(ask("chardev-remove", R"({"id":"m"})"), "Chardev 'm' is busy");
  EXPECT_EQ(ask("device_del", R"({"id":"port"})"), "{}");
  EXPECT_EQ(ask("chardev-remove", R"({"id":"c"})"), "{}");
  EXPECT_EQ(ask("chardev-remove", R"({"id":"c"})"), "Chardev 'c' not found");
}

TEST_F(Backend, NetworksAndTheirDescriptors) {
  boot({"-machine", "pc", "-netdev", "user,id=u"});
  const auto named = [&](const std::string& name) { return R"({"fdname":")" + name + R"("})"; };
  EXPECT_EQ(ask("netdev_add", R"({"type":"user"})"), "Parameter 'id' is missing");
  EXPECT_EQ(ask("netdev_add", R"({"type":"user","id":"u"})"), "Duplicate ID 'u'");
  EXPECT_EQ(ask("netdev_add", R"({"type":"nosuch","id":"v"})"), "Parameter 'type' does not accept value 'nosuch'");
  EXPECT_EQ(ask("netdev_add", R"({"type":"tap","id":"v","vhost":"on"})"),
            "Invalid parameter type for 'vhost', expected: boolean");
  EXPECT_EQ(ask("getfd", named("a")), "No file descriptor supplied via SCM_RIGHTS");
  for (const auto* name : {"a", "b"}) {
    machine().receive(UniqueFd{::open("/dev/null", O_RDONLY | O_CLOEXEC)});
    EXPECT_EQ(ask("getfd", named(name)), "{}");
  }
  machine().receive(UniqueFd{::open("/dev/null", O_RDONLY | O_CLOEXEC)});
  EXPECT_EQ(ask("getfd", named("0a")), "Parameter 'fdname' expects a name not starting with a digit");
  EXPECT_EQ(ask("netdev_add", R"({"type":"tap","id":"v","fds":"nope:b"})"),
            "File descriptor named 'nope' has not been found");
  EXPECT_EQ(ask("netdev_add", R"({"type":"tap","id":"v","fds":"a:b"})"), "{}");
  EXPECT_EQ(ask("closefd", named("b")), "File descriptor named 'b' not found");
  EXPECT_EQ(ask("device_add", R"({"driver":"virtio-net-pci","netdev":"v","id":"n"})"), "{}");
  EXPECT_EQ(ask("netdev_del", R"({"id":"v"})"), "{}");
  EXPECT_EQ(ask("netdev_del", R"({"id":"v"})"), "DeviceNotFound: Device 'v' not found");
}

TEST_F(Backend, Objects) {
  boot({"-machine", "pc", "-object", "iothread,id=i0"});
  const auto add = [&](const std::string& rest) { return ask("object-add", "{" + rest + "}"); };
  EXPECT_EQ(add(R"("qom-type":"nosuch","id":"x")"), "Parameter 'qom-type' does not accept value 'nosuch'");
  EXPECT_EQ(add(R"("qom-type":"memory-backend-ram","id":"x")"), "Parameter 'size' is missing");
  EXPECT_EQ(add(R"("qom-type":"memory-backend-ram","id":"x","size":"1")"), "Parameter 'size' expects uint64");
  EXPECT_EQ(add(R"("qom-type":"iothread","id":"i0")"),
            "attempt to add duplicate property 'i0' to object (type 'container')");
  EXPECT_NE(ask("query-iothreads").find(R"("id":"i0")"), std::string::npos);
  EXPECT_EQ(ask("object-del", R"({"id":"i0"})"), "{}");
  EXPECT_EQ(ask("object-del", R"({"id":"i0"})"), "object 'i0' not found");
}

TEST(FakeCommandLine, ReadsListsWithDoubledCommasAndJson) {
  EXPECT_EQ(to_json(parse_options("file,path=/a,,b,flag,x=", "driver")),
            R"({"driver":"file","path":"/a,b","flag":"on","x":""})");
  EXPECT_EQ(to_json(parse_options(R"({"driver":"file"})", "x")), R"({"driver":"file"})");
  const auto line =
      parse_command_line({"-S", "-nodefaults", "-m", "64", "-smp", "2", "-append", "-m", "-fake", "a=exit"});
  EXPECT_EQ(line.memory_bytes, std::uint64_t{64} << 20U);
  EXPECT_EQ(line.topology.max_cpus, 2U);
  EXPECT_EQ(line.kernel_line, "-m");
  EXPECT_EQ(line.words.at("a"), "exit");
}

TEST(FakeCommandLine, SaysWhatItCannotRead) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"-m"}, "-m needs a value"},
      {{"-m", "1Q"}, "-m: 'size' must be a number, not '1Q'"},
      {{"-smp", "2,maxcpus=1"}, "-smp: these numbers make no machine: 2,maxcpus=1"},
      {{"-smp", "1,threads=0"}, "-smp: these numbers make no machine: 1,threads=0"},
      {{"-qmp", "stdio"}, "-qmp: this QEMU has unix:PATH alone"},
      {{"-chardev", "socket,id=c,fd=x"}, "-chardev: 'fd' must be a number, not 'x'"},
      {{"-chardev", "socket,id=c"}, "-chardev c: this QEMU needs fd= or path="}};
  for (const auto& [arguments, problem] : cases) {
    EXPECT_EQ(message_of([&] { (void)parse_command_line(arguments); }), problem);
  }
}

TEST(FakeWords, AreChecked) {
  EXPECT_EQ(message_of([] { Words{{{"cont", "exti"}}}; }), "-fake cont: there is no action 'exti'; see --help");
  EXPECT_EQ(message_of([] { Words{{{"profile", "6.0"}}}; }), "-fake profile: there is no '6.0'");
  EXPECT_EQ(message_of([] { Words{{{"exit-code", "256"}}}; }), "-fake exit-code: not a number to 255: 256");
  const Words words{{{"cont", "error:no: never"}, {"stop", "error"}, {"exit-code", "3"}}};
  EXPECT_EQ(words.action("cont"), "error");
  EXPECT_EQ(words.refusal("cont"), "no: never");
  EXPECT_EQ(words.refusal("stop"), "the fake refuses stop");
  EXPECT_EQ(words.action("quit"), "");
  EXPECT_EQ(words.exit_code(), 3);
}

TEST(FakeWords, AnActionForTheFirstTimeIsForThatAlone) {
  EXPECT_EQ(message_of([] { Words{{{"once.stop", "no"}}}; }), "-fake stop: there is no action 'no'; see --help");
  Words words{{{"once.stop", "error:first"}, {"stop", "close"}}};
  words.begin("cont");
  EXPECT_EQ(words.action("stop"), "close");
  words.begin("stop");
  EXPECT_EQ(words.action("stop"), "error");
  EXPECT_EQ(words.refusal("stop"), "first");
  words.begin("stop");
  EXPECT_EQ(words.action("stop"), "close");
}

}  // namespace
}  // namespace visor::testing

// SPDX-License-Identifier: Apache-2.0
// The program visor-fake-qemu: its sockets, its scripts and its ends.
#include "program.hpp"

#include <csignal>

namespace visor::testing {
namespace {

class FakeQemu : public ProgramTest {
 protected:
  /// Starts it with one monitor, and connects.
  RawClient boot(std::vector<std::string> arguments) {
    const auto listener = listen("monitor");
    RawClient client{path("monitor")};
    for (const auto& word : monitor("m", listener.get())) arguments.push_back(word);
    start(VISOR_TEST_FAKE_QEMU, arguments, {listener.get()});
    return client;
  }
  static std::vector<std::string> monitor(const std::string& id, int fd) {
    return {"-chardev", "socket,id=" + id + ",fd=" + std::to_string(fd) + ",server=on,wait=off", "-mon",
            "chardev=" + id + ",mode=control"};
  }
};

const std::string negotiate = R"({"execute":"qmp_capabilities"})";

TEST_F(FakeQemu, SpeaksAsQemuDoes) {
  auto client = boot({"-S"});
  EXPECT_NE(client.line().find(R"("micro":22,"minor":2,"major":7)"), std::string::npos);
  EXPECT_EQ(client.ask(R"({"execute":"stop","id":1})"),
            R"({"error":{"class":"CommandNotFound","desc":"Expecting capabilities negotiation with )"
            R"('qmp_capabilities'"},"id":1})");
  EXPECT_EQ(client.ask(negotiate), R"({"return":{}})");
  EXPECT_NE(client.ask(negotiate).find("already complete"), std::string::npos);
  EXPECT_NE(client.ask("{]").find("JSON parse error"), std::string::npos);
  EXPECT_NE(client.ask(R"({"x":1})").find("QMP input lacks member 'execute'"), std::string::npos);
  EXPECT_NE(client.ask("[1]").find("QMP input must be a JSON object"), std::string::npos);
  EXPECT_NE(client.ask(R"({"execute":"quit"})").find(R"("event":"SHUTDOWN")"), std::string::npos);
  EXPECT_EQ(client.rest(), "{\"return\":{}}\r\n");
  EXPECT_EQ(wait(), 0);
}

TEST_F(FakeQemu, TakesWordsAndAProfile) {
  auto client = boot({"-fake", "profile=9.2", "-fake", "stop=error:not now", "-fake", "exit-code=7", "-fake",
                      "stderr=out of luck", "-fake", "cont=garbage"});
  EXPECT_NE(client.line().find(R"("minor":2,"major":9)"), std::string::npos);
  EXPECT_EQ(client.ask(negotiate), R"({"return":{}})");
  EXPECT_EQ(client.ask(R"({"execute":"stop"})"), R"({"error":{"class":"GenericError","desc":"not now"}})");
  EXPECT_EQ(client.ask(R"({"execute":"cont"})"), "this is no JSON");
  client.send(R"({"execute":"quit"})");
  EXPECT_EQ(wait(), 7);
  EXPECT_EQ(errors(), "out of luck\n");
}

TEST_F(FakeQemu, TellsAllMonitorsOfAnEvent) {
  const auto other = listen("other");
  RawClient observer{path("other")};
  const auto listener = listen("monitor");
  RawClient owner{path("monitor")};
  auto arguments = monitor("o", other.get());
  for (const auto& word : monitor("m", listener.get())) arguments.push_back(word);
  arguments.emplace_back("-S");
  start(VISOR_TEST_FAKE_QEMU, arguments, {listener.get(), other.get()});
  for (auto* client : {&owner, &observer}) {
    (void)client->line();
    EXPECT_EQ(client->ask(negotiate), R"({"return":{}})");
  }
  EXPECT_NE(owner.ask(R"({"execute":"cont"})").find("RESUME"), std::string::npos);
  EXPECT_NE(observer.line().find("RESUME"), std::string::npos);
}

TEST_F(FakeQemu, PlaysAScriptAndEndsAsItSays) {
  write("s.yaml", R"(
steps:
  - greet: {major: 8}
  - negotiate
  - {expect: query-status, reply: {status: strange}}
  - gate: SIGUSR1
  - event: TOLD
  - stderr: and so it ends
  - exit: 9
)");
  auto client = boot({"-fake", "script=" + path("s.yaml")});
  EXPECT_NE(client.line().find(R"("major":8)"), std::string::npos);
  EXPECT_EQ(client.ask(negotiate), R"({"return":{}})");
  EXPECT_EQ(client.ask(R"({"execute":"query-status"})"), R"({"return":{"status":"strange"}})");
  signal(SIGUSR1);
  EXPECT_NE(client.line().find(R"("event":"TOLD")"), std::string::npos);
  EXPECT_EQ(client.line(), "EOF");
  EXPECT_EQ(wait(), 9);
  EXPECT_EQ(errors(), "and so it ends\n");
}

TEST_F(FakeQemu, PlaysAScriptOnTheMonitorThatIsNamed) {
  write("s.yaml", "steps: [{raw: \"hello\\n\"}, end: freeze]");
  const auto other = listen("other");
  RawClient scripted{path("other")};
  const auto listener = listen("monitor");
  RawClient client{path("monitor")};
  auto arguments = monitor("m", listener.get());
  for (const auto& word : monitor("o", other.get())) arguments.push_back(word);
  for (const auto* word : {"-fake", "script.o="}) arguments.emplace_back(word);
  arguments.back() += path("s.yaml");
  start(VISOR_TEST_FAKE_QEMU, arguments, {listener.get(), other.get()});
  EXPECT_EQ(scripted.line(), "hello");
  EXPECT_NE(client.line().find("QMP"), std::string::npos);
  signal(SIGTERM);
  EXPECT_EQ(wait(), 0);
  EXPECT_EQ(errors(), "");
}

TEST_F(FakeQemu, FailsWhenTheClientLeavesTheScript) {
  write("s.yaml", "steps: [{expect: a}]");
  auto client = boot({"-fake", "script=" + path("s.yaml")});
  client.send(R"({"execute":"b"})");
  EXPECT_EQ(wait(), 1);
  EXPECT_EQ(errors(), "visor-fake-qemu: " + path("s.yaml") + ":1:9: expected a, got {\"execute\":\"b\"}\n");
}

TEST_F(FakeQemu, SaysInOneLineWhatIsWrong) {
  write("s.yaml", "steps: [nope]");
  write("words", "stop=exit\nscript=" + path("words") + "\n");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "No monitor to serve: give -qmp unix:PATH, or see --help"},
      {{"-fake", "start=exti"}, "-fake start: there is no action 'exti'; see --help"},
      {{"-fake", "start=silence"}, "-fake start: only hang and exit have an effect"},
      {{"-fake", "start=error:no"}, "-fake start: only hang and exit have an effect"},
      {{"-fake", "sigterm=close"}, "-fake sigterm: only silence, hang, ignore and exit have an effect"},
      {{"-fake", "greeting=ignore"},
       "-fake greeting: only silence, hang, garbage, error, close and exit have an effect"},
      {{"-fake", "query-status=ignore"},
       "-fake query-status: only silence, hang, garbage, error, close and exit have an effect"},
      {{"-fake", "cont=refuse"},
       "-fake cont: only silence, hang, garbage, error, close, ignore and exit have an effect"},
      {{"-fake", "cont=exit:3"}, "-fake cont: 'exit' takes no text; only error does"},
      {{"-fake", "script=" + path("words")},
       "-fake script=" + path("words") + ": a file of words cannot name another script"},
      {{"-qmp", "unix:" + path("q"), "-fake", "script.m=" + path("s.yaml")},
       "-fake script.m: there is no monitor of that name"},
      {{"-smp", "1,sockets=4294967296,threads=4294967296"},
       "-smp: these numbers make no machine: 1,sockets=4294967296,threads=4294967296"},
      {{"-mon", "chardev=m", "-fake", "a=exit"}, "-mon: there is no -chardev socket 'm'"},
      {{"-qmp", "unix:/nonexistent/q,server=on"}, "Cannot listen at /nonexistent/q: No such file or directory"},
      {{"-qmp", "unix:" + path("q"), "-device", "scsi-hd,drive=d"}, "No 'SCSI' bus found for device 'scsi-hd'"}};
  for (const auto& [arguments, problem] : cases) {
    start(VISOR_TEST_FAKE_QEMU, arguments);
    EXPECT_EQ(wait(), 1) << problem;
    EXPECT_EQ(errors(), "visor-fake-qemu: " + problem + "\n");
  }
  start(VISOR_TEST_FAKE_QEMU, {"-qmp", "unix:" + path("q"), "-fake", "script=" + path("s.yaml")});
  EXPECT_EQ(wait(), 1);
  EXPECT_EQ(errors().rfind("visor-fake-qemu: " + path("s.yaml") + ":1:9: This is no step", 0), 0U);
  EXPECT_FALSE(std::filesystem::exists(path("q"))) << "the socket was left";
}

TEST_F(FakeQemu, TellsItsUseAndVersion) {
  start(VISOR_TEST_FAKE_QEMU, {"--help"});
  EXPECT_EQ(wait(), 0);
  EXPECT_EQ(output().rfind("Usage: visor-fake-qemu ", 0), 0U);
  EXPECT_NE(output().find("9.2   verified: false"), std::string::npos);
  for (const auto* word : {"-version", "--version"}) {
    start(VISOR_TEST_FAKE_QEMU, {word});
    EXPECT_EQ(wait(), 0);
    EXPECT_EQ(output().rfind("QEMU emulator version 7.2.22 (visor-fake-qemu ", 0), 0U);
  }
}

}  // namespace
}  // namespace visor::testing

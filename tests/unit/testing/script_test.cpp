// SPDX-License-Identifier: Apache-2.0
// Every key of a script, played to a client that knows nothing.
#include "raw_client.hpp"
#include "testing/pieces.hpp"
#include "visor/testing/fake_qmp_server.hpp"

#include <algorithm>
#include <vector>

namespace visor::testing {
namespace {

/// A script of these steps, each a line.
QmpScript script_of(const std::vector<std::string>& steps, const std::string& head = {}) {
  auto text = head + "steps:\n";
  for (const auto& step : steps) text += "  - " + step + "\n";
  return QmpScript::from_yaml(text);
}

class Played {
 public:
  explicit Played(const std::vector<std::string>& steps, const std::string& head = {})
      : server{script_of(steps, head)}, client{server.take_client()} {}
  FakeQmpServer server;
  RawClient client;
};

TEST(Script, GreetsAndNegotiates) {
  Played with{{"greet", "negotiate", "end: client"}};
  EXPECT_EQ(with.client.line(),
            R"({"QMP":{"version":{"qemu":{"micro":22,"minor":2,"major":7},"package":"fake"},"capabilities":["oob"]}})");
  EXPECT_EQ(with.client.ask(R"({"execute": "qmp_capabilities", "id": 7})"), R"({"return":{},"id":7})");
  with.client.close();
  EXPECT_EQ(with.server.finish(), "");
}

TEST(Script, GreetsAsItIsTold) {
  Played with{{"greet: {major: 9, minor: 1, micro: 0, package: p, capabilities: []}"}};
  EXPECT_EQ(with.client.line(),
            R"({"QMP":{"version":{"qemu":{"micro":0,"minor":1,"major":9},"package":"p"},"capabilities":[]}})");
}

TEST(Script, ExpectsACommandWithAnyArgumentsOrExactlyTheseOrAtLeastThese) {
  Played with{{"expect: a", "expect: a\n    arguments: {x: 1, y: {b: 2, a: [1]}}", "expect: a\n    subset: {y: {a: 1}}",
               "reply: {n: 1}"}};
  with.client.send(R"({"execute": "a", "arguments": {"z": 1}})");
  with.client.send(R"({"execute": "a", "arguments": {"y": {"a": [1], "b": 2}, "x": 1}})");
  with.client.send(R"({"execute": "a", "arguments": {"y": {"a": 1, "b": 2}, "x": 1}})");
  EXPECT_EQ(with.client.line(), R"({"return":{"n":1}})");
  EXPECT_EQ(with.server.finish(), "");
  EXPECT_EQ(with.server.received().size(), 3U);
}

TEST(Script, TellsWhatCameInstead) {
  const std::string got = R"(, got {"execute":"b","arguments":{"x":1}})";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"expect: a", "expected a" + got},
      {"expect: b\n    arguments: {}", "expected b with {}" + got},
      {"expect: b\n    arguments: {x: 1, y: 2}", R"(expected b with {"x":1,"y":2})" + got},
      {"expect: b\n    subset: {x: 2}", R"(expected b with at least {"x":2})" + got},
      {"any_order: [{expect: a}, {expect: c}]", "expected one of a, c" + got},
      {"end: client", R"(expected the end, got {"execute":"b","arguments":{"x":1}})"}};
  for (const auto& [step, problem] : cases) {
    Played with{{step}};
    with.client.send(R"({"execute":"b","arguments":{"x":1}})");
    EXPECT_EQ(with.server.finish(), "script:2:5: " + problem) << step;
  }
}

TEST(Script, TellsWhoClosedTooEarly) {
  for (const auto* step : {"expect: a", "any_order: [{expect: a}]", "serve: [{expect: a}]\n    until: a"}) {
    Played with{{step}};
    with.client.close();
    EXPECT_NE(with.server.finish().find(", but the client closed"), std::string::npos) << step;
  }
}

TEST(Script, RepliesAndRefusesInTheOrderItIsTold) {
  Played with{{"expect: a", "expect: b", "expect: c", "reply: [1]\n    before: 2", "error: No\n    before: 1",
               "error: Gone\n    class: DeviceNotFound", "{expect: d, reply: x}", "{expect: e, error: E, class: C}",
               "{expect: f, then: [{event: F}, reply]}"}};
  for (const auto* name : {"a", "b", "c", "d", "e", "f"}) {
    with.client.send(R"({"id":")" + std::string{name} + R"(","execute":")" + name + R"("})");
  }
  EXPECT_EQ(with.client.line(), R"({"return":[1],"id":"a"})");
  EXPECT_EQ(with.client.line(), R"({"error":{"class":"GenericError","desc":"No"},"id":"b"})");
  EXPECT_EQ(with.client.line(), R"({"error":{"class":"DeviceNotFound","desc":"Gone"},"id":"c"})");
  EXPECT_EQ(with.client.line(), R"({"return":"x","id":"d"})");
  EXPECT_EQ(with.client.line(), R"({"error":{"class":"C","desc":"E"},"id":"e"})");
  EXPECT_EQ(with.client.line(), R"({"timestamp":{"seconds":1700000000,"microseconds":123456},"event":"F"})");
  EXPECT_EQ(with.client.line(), R"({"return":{},"id":"f"})");
}

TEST(Script, TellsEventsWithTheirDataAndTime) {
  Played with{{"event: A\n    data: {x: '1', y: 2}\n    time: {seconds: 5, microseconds: 6}"}};
  EXPECT_EQ(with.client.line(), R"({"timestamp":{"seconds":5,"microseconds":6},"event":"A","data":{"x":"1","y":2}})");
}

TEST(Script, TakesExchangesInAnyOrderEachOnce) {
  const std::string both = "any_order: [{expect: a, reply: 1}, {expect: b, reply: 2}, {expect: a, reply: 3}]";
  Played with{{both, "expect: c", "reply"}};
  EXPECT_EQ(with.client.ask(R"({"execute":"b"})"), R"({"return":2})");
  EXPECT_EQ(with.client.ask(R"({"execute":"a"})"), R"({"return":1})");
  EXPECT_EQ(with.client.ask(R"({"execute":"a"})"), R"({"return":3})");
  EXPECT_EQ(with.client.ask(R"({"execute":"c"})"), R"({"return":{}})");
  EXPECT_EQ(with.server.finish(), "");
}

TEST(Script, ServesUntilACommand) {
  Played with{
      {"serve: [{expect: a, arguments: {n: 1}, reply: 1}, {expect: a, arguments: {n: 2}, reply: 2},"
       " {expect: stop}]\n    until: stop",
       "reply: bye"}};
  EXPECT_EQ(with.client.ask(R"({"execute":"a","arguments":{"n":2}})"), R"({"return":2})");
  EXPECT_EQ(with.client.ask(R"({"execute":"a","arguments":{"n":1}})"), R"({"return":1})");
  EXPECT_EQ(with.client.ask(R"({"execute":"a","arguments":{"n":3}})"),
            R"({"error":{"class":"GenericError","desc":"The script has no exchange of a with these arguments"}})");
  EXPECT_EQ(with.client.ask(R"({"execute":"x"})"),
            R"({"error":{"class":"CommandNotFound","desc":"The command x has not been found"}})");
  EXPECT_EQ(with.client.ask(R"({"execute":"stop"})"), R"({"return":"bye"})");
}

TEST(Script, Repeats) {
  Played with{{"repeat: 3\n    steps: [{expect: a}, {reply: 1}]", "repeat: 0\n    steps: [{expect: never}]"}};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(with.client.ask(R"({"execute":"a"})"), R"({"return":1})");
  EXPECT_EQ(with.server.finish(), "");
}

TEST(Script, SendsRawBytes) {
  Played with{{R"(raw: "this is\tno JSON\n")", "hex: ff 00 0A", "raw: 'end'"}};
  using namespace std::string_literals;
  EXPECT_EQ(with.client.rest(), "this is\tno JSON\n\xff\0\nend"s);
}

TEST(Script, SplitsEvenlyAndPutsTogether) {
  Played with{
      {"split: 2", "raw: abcde", "gate: g", "split: off", "raw: '-'", "glue: [{raw: a}, {event: E}, {raw: b}]"}};
  std::string seen;
  while (seen.size() < 5) seen += with.client.chunk();
  with.server.release("g");
  EXPECT_EQ(seen + with.client.rest(),
            "abcde-a{\"timestamp\":{\"seconds\":1700000000,\"microseconds\":123456},\"event\":\"E\"}\r\nb");
}

TEST(Script, SplitsAtRandomAndLosesNothing) {
  const std::string text(5000, 'x');
  Played with{{"split: random", "raw: " + text, "split: random\n    largest: 3", "raw: " + text}, "seed: 7\n"};
  EXPECT_EQ(with.client.rest(), text + text);
}

std::vector<std::size_t> sizes(Pieces pieces) {
  std::vector<std::size_t> all;
  for (std::size_t left = 100; left > 0; left -= all.back()) all.push_back(pieces.next(left));
  return all;
}

TEST(Script, SplitsTheSameWayForTheSameSeed) {
  EXPECT_EQ(sizes(Pieces{1, 10}), sizes(Pieces{1, 10}));
  EXPECT_NE(sizes(Pieces{1, 10}), sizes(Pieces{2, 10}));
  EXPECT_EQ(sizes(Pieces(1, 10)).front(), 6U) << "another machine's pieces would differ";
  EXPECT_LE(std::ranges::max(sizes(Pieces{3, 10})), 10U);
  EXPECT_EQ(sizes(Pieces{30}), (std::vector<std::size_t>{30, 30, 30, 10}));
  EXPECT_EQ(sizes(Pieces{}), std::vector<std::size_t>{100});
}

TEST(Script, WaitsAtAGateAndForATime) {
  Played with{{"delay: 1ms", "gate: go", "raw: late", "delay: 0s"}};
  with.server.release("go");
  EXPECT_EQ(with.client.rest(), "late");
  EXPECT_EQ(with.server.finish(), "");
}

TEST(Script, EndsBySilenceOrFrozen) {
  Played silent{{"end: silence"}};
  silent.client.send(R"({"execute":"a"}{"execute":"b"})");
  silent.client.close();
  EXPECT_EQ(silent.server.finish(), "");
  EXPECT_EQ(silent.server.received().size(), 2U);
  {
    Played delayed{{"delay: 600s"}};  // must not keep the test waiting
    Played frozen{{"end: freeze"}};
  }
}

TEST(Script, ClosesWhereItIsTold) {
  Played with{{"expect: a", "end: close", "delay: 600s"}};
  EXPECT_EQ(with.client.ask(R"({"execute":"a"})"), "EOF");
}

TEST(Script, MayGoOnWithoutAClient) {
  int code = -1;
  {
    FakeQmpServer server{script_of({"end: close", "delay: 0s", "gate: g", "exit: 3"}),
                         {.on_exit = [&](int with) { code = with; }}};
    RawClient client{server.take_client()};
    EXPECT_EQ(client.line(), "EOF");
    server.release("g");
    EXPECT_EQ(server.finish(), "");
  }
  EXPECT_EQ(code, 3);
}

TEST(Script, CannotSpeakAfterItClosed) {
  for (const auto& script : {QmpScript{}.close().raw("x"), QmpScript{}.close().expect("a")}) {
    FakeQmpServer server{script};
    EXPECT_EQ(server.finish(), "step 2: the script goes on after it closed the connection");
  }
}

TEST(Script, TellsTheEndOfTheProgram) {
  std::string text;
  int code = -1;
  std::string problem = "none yet";
  {
    FakeQmpServer server{script_of({"stderr: out of luck", "exit: 3"}).expect("never"),
                         {.on_stderr = [&](std::string_view said) { text += said; },
                          .on_exit = [&](int with) { code = with; },
                          .on_over = [&](const std::string& what) { problem = what; }}};
    RawClient client{server.take_client()};
    EXPECT_EQ(client.line(), "EOF");
    EXPECT_EQ(server.finish(), "");
  }
  EXPECT_EQ(text, "out of luck\n");
  EXPECT_EQ(code, 3);
  EXPECT_EQ(problem, "");
}

TEST(Script, KeepsTheKindsOfScalars) {
  Played with{
      {"{expect: a, reply: {a: 0x10, b: '1', c: 18446744073709551615, d: -1, e: 1.5, f: ~, g: 10.0.0.1, h: true,"
       " i: off, j: 1_0, k: -, l: e}}"}};
  EXPECT_EQ(with.client.ask(R"({"execute":"a"})"),
            R"({"return":{"a":16,"b":"1","c":18446744073709551615,"d":-1,"e":1.5,"f":null,"g":"10.0.0.1","h":true,)"
            R"("i":"off","j":"1_0","k":"-","l":"e"}})");
}

TEST(Script, FindsMessagesByTheirBrackets) {
  Played with{{"{expect: a, reply: 1}", "{expect: b, reply: 2}"}};
  with.client.send("\n{\"execute\":\n\"a\", \"x\": [\"}\\\"\"]}{\"exec");
  EXPECT_EQ(with.client.line(), R"({"return":1})");
  EXPECT_EQ(with.client.ask("ute\": \"b\"}"), R"({"return":2})");
}

}  // namespace
}  // namespace visor::testing

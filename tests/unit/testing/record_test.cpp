// SPDX-License-Identifier: Apache-2.0
// A dialogue is recorded, written, read and played again: it must be the same one.
#include "program.hpp"
#include "testing/record/transcript.hpp"
#include "testing/record/yaml_writer.hpp"
#include "testing/script_text.hpp"
#include "testing/unix_socket.hpp"
#include "visor/core/json.hpp"
#include "visor/testing/fake_qmp_server.hpp"
#include "visor/testing/record_qmp.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <limits>
#include <random>
#include <sstream>
#include <thread>

namespace visor::testing {
namespace {

/// The longest line of a text.
std::size_t columns(const std::string& text) {
  std::istringstream lines{text};
  std::size_t most = 0;
  for (std::string line; std::getline(lines, line);) most = std::max(most, line.size());
  return most;
}

Value random_value(std::mt19937& random, int depth) {
  const auto text = [&] {
    std::string all;
    constexpr std::string_view some = " \"\\'{}[]:,#&*!|>%@`-?~\n\t/aB0\x7f";
    for (auto n = random() % (random() % 9 == 0 ? 400 : 12); n > 0; --n) {
      all += random() % 11 == 0 ? std::string{"\xc3\xa4"} : std::string(1, some[random() % some.size()]);
    }
    return all;
  };
  switch (random() % (depth > 0 ? 9 : 7)) {
    case 0:
      return Value{};
    case 1:
      return Value{random() % 2 == 0};
    case 2:
      return Value{static_cast<std::int64_t>(random()) - 2'000'000'000};
    case 3:
      return Value{std::numeric_limits<std::uint64_t>::max() - random()};
    case 4:
      return Value{static_cast<double>(random()) / 1024 + 0.5};
    case 5:
      return Value{std::string{std::vector<const char*>{"true", "Null", "0x1F", "1e3", "~", "", "on"}[random() % 7]}};
    case 6:
      return Value{text()};
    case 7: {
      auto list = Value::list();
      for (auto n = random() % 6; n > 0; --n) list.push_back(random_value(random, depth - 1));
      return list;
    }
    default: {
      auto map = Value::map();
      for (auto n = random() % 6; n > 0; --n) map.set(text(), random_value(random, depth - 1));
      return map;
    }
  }
}

TEST(YamlWriter, WritesWhatIsReadAsTheSame) {
  std::mt19937 random{1};  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same values each time
  for (int i = 0; i < 2000; ++i) {
    const auto value = random_value(random, 4);
    const auto text = write_yaml(value);
    ASSERT_EQ(to_json(parse_script_text(text, "written.yaml")), to_json(value)) << text;
  }
}

TEST(YamlWriter, KeepsToTheColumns) {
  auto value = Value::map({{"short", 1}, {"long", std::string(1000, 'x')}, {"words", "a b"}});
  auto list = Value::list();
  for (int i = 0; i < 60; ++i) list.push_back(Value::map({{"name", "number " + std::to_string(i)}}));
  value.set("list", list);
  list.push_back(std::string(500, 'y'));
  value.set("list", list);
  EXPECT_LE(columns(write_yaml(value)), 120U);
  EXPECT_EQ(to_json(parse_script_text(write_yaml(value), "written.yaml")), to_json(value));
  EXPECT_EQ(write_yaml(Value::map({{"a", 1}, {"b c", Value::list({"x", "1", "no"})}})),
            "{a: 1, \"b c\": [x, \"1\", \"no\"]}\n");
}

TEST(Transcript, JoinsACommandAndItsAnswer) {
  Transcript transcript{false};
  transcript.from_server(to_json(FakeGreeting{}.object()));
  transcript.from_client(R"({"execute":"a","id":1}{"execute":"b","arguments":{"x":1},"id":2}{"exec)");
  transcript.from_server(R"({"return":{},"id":1}{"error":{"class":"C","desc":"D"},"id":2})");
  transcript.from_client(R"(ute":"c"})");
  transcript.from_server(R"({"event":"E","data":{"z":1},"timestamp":{"seconds":1,"microseconds":2}}{"return":[1]})");
  transcript.from_client(R"({"execute":"d"})");
  transcript.from_server(R"({"return":2}{"return":3}no JSON)");
  transcript.from_server("\n");
  transcript.server_closed();
  EXPECT_EQ(transcript.yaml(), R"(# A dialogue that was recorded; docs/TESTING.md says what the steps mean.
steps:
  - greet: {major: 7, minor: 2, micro: 22, package: fake, capabilities: [oob]}
  - expect: a
    arguments: {}
  - expect: b
    arguments: {x: 1}
  - reply: {}
    before: 1
  - error: D
    class: C
  - expect: c
    arguments: {}
  - event: E
    data: {z: 1}
  - reply: [1]
  - expect: d
    arguments: {}
    reply: 2
  - raw: "{\"return\":3}\r\n"
  - raw: "no JSON\r\n"
  - end: close
)");
}

TEST(Transcript, KeepsTimesWhenAskedTo) {
  Transcript transcript{true};
  transcript.from_server(R"({"event":"E","timestamp":{"seconds":1,"microseconds":2}})");
  EXPECT_NE(transcript.yaml().find("time: {seconds: 1, microseconds: 2}"), std::string::npos);
}

TEST(Transcript, RefusesWhatNoScriptCanExpect) {
  for (const auto* text : {"hello\n", "[1]", "{\"x\":1}", "{\"execute\":1}"}) {
    Transcript transcript{false};
    EXPECT_EQ(message_of([&] { transcript.from_client(text); }).rfind("The client said what no script can expect", 0),
              0U);
  }
}

TEST(Transcript, SaysInACommentWhyItBrokeOff) {
  Transcript transcript{false};
  transcript.from_client("{\"execute\":\"a\"}");
  transcript.broke_off("the client said: \n\xff+ exit: 1");
  const auto text = transcript.yaml();
  EXPECT_NE(text.find("# It broke off: the client said: ??+ exit: 1\n"), std::string::npos) << text;
  EXPECT_EQ(QmpScript::from_yaml(text).size(), 1U);
  EXPECT_EQ(QmpScript::from_yaml(Transcript{false}.yaml()).size(), 0U);
}

class Record : public ProgramTest {
 protected:
  /// Connects as soon as the recorder listens.
  [[nodiscard]] RawClient connect_to_proxy() const {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (std::chrono::steady_clock::now() < until) {
      try {
        return RawClient{connect_to(path("proxy"))};
      } catch (const Error&) {
        std::this_thread::yield();
      }
    }
    ADD_FAILURE() << "the recorder never listened";
    return RawClient{UniqueFd{}};
  }

  /// Speaks with a server that plays a script, through a recorder; returns the script that came of it.
  std::string record(const QmpScript& script, const std::function<void(RawClient&)>& speak) {
    FakeQmpServer server{script, {.path = path("real")}};
    RecordOptions options;
    options.connect = path("real");
    options.listen = path("proxy");
    options.keep_times = true;
    auto result = std::async(std::launch::async, [&] { return record_qmp(options); });
    auto client = connect_to_proxy();
    speak(client);
    auto recording = result.get();
    EXPECT_EQ(recording.problem, "");
    EXPECT_EQ(server.finish(), "");
    EXPECT_FALSE(std::filesystem::exists(path("proxy")));
    return recording.script;
  }

  void start_recorder() {
    start(VISOR_TEST_QMP_RECORD,
          {"--connect", path("real"), "--listen", path("proxy"), "--output", path("out.yaml"), "--patience", "60"});
  }
  void expect_private(const std::string& name) const {
    EXPECT_EQ(std::filesystem::status(path(name)).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
};

TEST_F(Record, ADialogueThatIsPlayedAgainIsTheSame) {
  const auto script = QmpScript::from_yaml(R"(
steps:
  - greet: {major: 9, package: "Debian 1:9.2"}
  - negotiate
  - {event: A, data: {text: "a, b: {c}"}, time: {seconds: 5, microseconds: 6}}
  - expect: one
  - expect: two
  - {reply: {a: [1, 2, {b: ~}]}, before: 1}
  - {error: "no: \"never\"", class: DeviceNotFound}
  - {expect: three, reply: {big: 18446744073709551615}}
  - event: B
  - raw: "{\"return\":5}\r\n"
  - end: close
)");
  // Each step has its place in the order: what the client waits for, the recorder has heard.
  const auto speak = [](RawClient& client) {
    std::vector<std::string> heard = {client.line(), client.ask(R"({"execute":"qmp_capabilities"})"), client.line()};
    heard.push_back(client.ask(R"({"execute":"one","id":1,"arguments":{"x":{"y":[]}}}{"execute":"two","id":2})"));
    heard.push_back(client.line());
    heard.push_back(client.ask(R"({"execute":"three","id":"x"})"));
    heard.push_back(client.rest());
    return heard;
  };
  std::vector<std::string> heard;
  std::vector<std::string> heard_again;
  const auto first = record(script, [&](RawClient& client) { heard = speak(client); });
  const auto again = QmpScript::from_yaml(first, "first.yaml");
  const auto second = record(again, [&](RawClient& client) { heard_again = speak(client); });
  EXPECT_EQ(first, second);
  EXPECT_EQ(heard, heard_again);
  EXPECT_NE(first.find("class: DeviceNotFound"), std::string::npos);
}

TEST_F(Record, TheProgramWritesAFileAndEndsAtASignal) {
  FakeQmpServer server{std::move(QmpScript{}.greet().negotiate().silence()), {.path = path("real")}};
  start_recorder();
  auto client = connect_to_proxy();
  (void)client.line();
  EXPECT_EQ(client.ask(R"({"execute":"qmp_capabilities"})"), R"({"return":{}})");
  signal(SIGTERM);
  EXPECT_EQ(wait(), 0);
  EXPECT_EQ(QmpScript::load(path("out.yaml")).size(), 3U);
  expect_private("out.yaml");
}

TEST_F(Record, TheProgramWritesWhatWasSaidBeforeALineThatIsNoCommand) {
  write("out.yaml", "an older and longer recording " + std::string(4096, 'x'));
  std::filesystem::permissions(path("out.yaml"), std::filesystem::perms{0644});
  FakeQmpServer server{std::move(QmpScript{}.greet().negotiate().silence()), {.path = path("real")}};
  start_recorder();
  auto client = connect_to_proxy();
  (void)client.line();
  EXPECT_EQ(client.ask(R"({"execute":"qmp_capabilities"})"), R"({"return":{}})");
  client.send("help\n");
  EXPECT_EQ(wait(), 1);
  EXPECT_EQ(errors(), "visor-qmp-record: The client said what no script can expect: help\n");
  const auto text = read("out.yaml");
  EXPECT_TRUE(text.ends_with("# It broke off: The client said what no script can expect: help\n")) << text;
  EXPECT_EQ(QmpScript::from_yaml(text).size(), 3U);
  expect_private("out.yaml");
}

TEST_F(Record, TheProgramLeavesTheFileWhenNoClientCame) {
  write("out.yaml", "steps: [greet]\n");
  const auto monitor = listen("real");
  start_recorder();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!std::filesystem::exists(path("proxy")) && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  signal(SIGINT);
  EXPECT_EQ(wait(), 1);
  EXPECT_EQ(errors(), "visor-qmp-record: Ended before a client came to " + path("proxy") + "\n");
  EXPECT_EQ(read("out.yaml"), "steps: [greet]\n");
}

TEST_F(Record, KeepsWhatWasSaidWhenNothingMoreIs) {
  RecordOptions options;
  options.connect = path("real");
  options.listen = path("proxy");
  options.patience = std::chrono::milliseconds{200};
  // A loaded machine may let the time pass before the client comes, or the greeting: then once more.
  Recording recording;
  for (int i = 0; i < 20 && recording.script.find("greet") == std::string::npos; ++i) {
    FakeQmpServer server{std::move(QmpScript{}.greet().silence()), {.path = path("real")}};
    auto result = std::async(std::launch::async, [&] { return record_qmp(options); });
    UniqueFd client;
    while (!client && result.wait_for(std::chrono::seconds{0}) != std::future_status::ready) {
      try {
        client = connect_to(path("proxy"));
      } catch (const Error&) {
        std::this_thread::yield();
      }
    }
    try {
      recording = result.get();
    } catch (const Error& error) {
      EXPECT_EQ(error.message(), "No client came to " + path("proxy") + " in time");
    }
  }
  EXPECT_EQ(recording.problem, "Nothing was said for 200 ms");
  EXPECT_EQ(QmpScript::from_yaml(recording.script).size(), 1U) << recording.script;
}

TEST_F(Record, TheProgramSaysInOneLineWhatIsWrong) {
  const auto used = listen("used");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "--connect, --listen and --output are needed; see --help"},
      {{"--frobnicate"}, "Unknown option '--frobnicate'; see --help"},
      {{"--listen"}, "--listen needs a value"},
      {{"--patience", "soon"}, "--patience must be a number of seconds, not 'soon'"},
      {{"--connect", path("a"), "--listen", path("b"), "--output", "/nonexistent/x"},
       "Cannot write /nonexistent/x: No such file or directory"},
      {{"--connect", path("a"), "--listen", path("b"), "--output", path("o")},
       "Cannot connect to " + path("a") + ": No such file or directory"},
      {{"--connect", path("used"), "--listen", path("used"), "--output", path("o")},
       "Cannot listen at " + path("used") + ": Address already in use"}};
  for (const auto& [arguments, problem] : cases) {
    start(VISOR_TEST_QMP_RECORD, arguments);
    EXPECT_EQ(wait(), 1) << problem;
    EXPECT_EQ(errors(), "visor-qmp-record: " + problem + "\n");
  }
  start(VISOR_TEST_QMP_RECORD, {"--help"});
  EXPECT_EQ(wait(), 0);
  EXPECT_EQ(output().rfind("Usage: visor-qmp-record ", 0), 0U);
}

TEST_F(Record, GivesUpWhenNothingHappens) {
  const auto monitor = listen("real");
  RecordOptions options;
  options.connect = path("real");
  options.listen = path("proxy");
  options.patience = std::chrono::milliseconds{1};
  EXPECT_EQ(message_of([&] { (void)record_qmp(options); }), "No client came to " + path("proxy") + " in time");
  const UniqueFd stop{::eventfd(1, EFD_CLOEXEC)};
  options.patience = std::chrono::seconds{60};
  options.stop_fd = stop.get();
  const auto recording = record_qmp(options);
  EXPECT_EQ(recording.script, "");
  EXPECT_EQ(recording.problem, "Ended before a client came to " + path("proxy"));
}

}  // namespace
}  // namespace visor::testing

// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/log.hpp"

#include "qmp/log_text.hpp"
#include "raw_peer.hpp"

#include <algorithm>
#include <mutex>
#include <regex>

namespace visor::sdk::qmp {
namespace {

/// Keeps what is written from one level on.
class KeptLog final : public QmpLog {
 public:
  explicit KeptLog(LogLevel from) : from_{from} {}
  [[nodiscard]] bool enabled(LogLevel level) const noexcept override { return level >= from_; }
  void write(LogLevel level, std::string_view text) noexcept override {
    const std::scoped_lock lock{mutex_};
    lines_.emplace_back((level == LogLevel::trace ? "trace " : "debug ") + std::string{text});
  }
  /// The lines, with their times and sizes replaced by N.
  [[nodiscard]] std::vector<std::string> lines() const {
    const std::scoped_lock lock{mutex_};
    std::vector<std::string> plain;
    for (const auto& line : lines_) {
      plain.push_back(std::regex_replace(line, std::regex{R"(after \d+ us)"}, "after N us"));
    }
    return plain;
  }

 private:
  const LogLevel from_;
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

Command object_add(const char* type) {
  return {"object-add", Value::map({{"qom-type", type}, {"id", "s0"}, {"data", "hush"}})};
}

/// As QEMU before 6.0 takes it.
Command nested_object_add(const char* type, Value props) {
  return {"object-add", Value::map({{"qom-type", type}, {"id", "o0"}, {"props", std::move(props)}})};
}

TEST(QmpLog, ShowsEachExchangeWithNumberSizesLatencyAndOutcome) {
  FakeQmpServer server{ready_script()
                           .expect("query-status")
                           .event("STOP", Value::map({{"why", "asked"}}))
                           .reply(Value::map({{"running", true}}))
                           .expect("cont")
                           .fail("GenericError", "not now")
                           .expect_end()};
  const auto log = std::make_shared<KeptLog>(LogLevel::trace);
  auto client = connect(server, {.log = log});
  (void)client->call({"query-status"}, plenty);
  (void)client->call({"cont", Value::map({{"x", 1}})}, plenty);
  client.reset();
  EXPECT_EQ(
      log->lines(),
      (std::vector<std::string>{
          "debug QMP ready: version 7.2.22 fake", "trace QMP #2 query-status (34 bytes)",
          "trace QMP event STOP {\"why\":\"asked\"} (96 bytes)",
          "trace QMP #2 query-status: ok {\"running\":true} after N us (34 bytes)",
          "trace QMP #3 cont {\"x\":1} (46 bytes)",
          "trace QMP #3 cont: hypervisor_error \"QEMU refused cont: not now (GenericError)\" after N us (58 bytes)",
          "debug QMP ended: the QMP session was shut down"}));
}

TEST(QmpLog, ShowsCallsThatEndEarly) {
  FakeQmpServer server{ready_script().silence()};
  const auto log = std::make_shared<KeptLog>(LogLevel::trace);
  auto client = connect(server, {.log = log});
  (void)client->call({"blocking"}, brief);
  Promised late;
  Promised cancelled;
  Promised lost;
  client->call_async({"late"}, in(brief), late.completion());
  (void)late.get();
  client->cancel(client->call_async({"cancelled"}, in(plenty), cancelled.completion()));
  client->call_async({"lost"}, in(plenty), lost.completion());
  client.reset();
  const auto lines = log->lines();
  const auto shows = [&](const std::string& text) {
    return std::any_of(lines.begin(), lines.end(), [&](const auto& line) { return line.find(text) != line.npos; });
  };
  EXPECT_TRUE(shows("blocking: timeout \"QEMU did not answer blocking in time\" after N us"));
  EXPECT_TRUE(shows("late: timeout"));
  EXPECT_TRUE(shows("cancelled: cancelled \"Cancelled cancelled; QEMU may still do it\""));
  EXPECT_TRUE(shows("lost: disconnected"));
}

TEST(QmpLog, ShowsAnswersThatNoCallWaitsFor) {
  RawPeer peer;
  const auto io = IoThread::manual();
  const auto log = std::make_shared<KeptLog>(LogLevel::trace);
  const auto client = connect_by_hand(peer, io, {.log = log});
  for (const auto& command : {Command{"a"}, Command{"b"}, Command{"ringbuf-read"}}) {
    client->cancel(client->call_async(command, in(plenty), {}));
  }
  settle(*io);
  const auto before = log->lines().size();
  peer.send(R"({"return":{"x":1},"id":2}{"id":3,"error":{"class":"GenericError","desc":"no"}})");
  peer.send(R"({"return":"hush","id":4}{"return":"hush","id":2}{"return":"hush"})");
  settle(*io);
  auto lines = log->lines();
  lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(before));
  EXPECT_EQ(
      lines,
      (std::vector<std::string>{
          "trace QMP #2 a: too late, ok {\"x\":1} after N us (25 bytes)",
          "trace QMP #3 b: too late, hypervisor_error \"QEMU refused b: no (GenericError)\" after N us (53 bytes)",
          "trace QMP #4 ringbuf-read: too late, ok \"***\" after N us (24 bytes)",
          "trace QMP #2: an answer to nothing that was asked (24 bytes)",
          "trace QMP without an id of this session: an answer to nothing that was asked (17 bytes)"}));
}

TEST(QmpLog, AsksForTheLevelAndMakesNothingThatIsNotWanted) {
  for (const auto level : {LogLevel::debug, LogLevel::off}) {
    FakeQmpServer server{ready_script().expect("a").event("E").reply()};
    const auto log = std::make_shared<KeptLog>(level);
    auto client = connect(server, {.log = log});
    (void)client->call({"a"}, plenty);
    client.reset();
    EXPECT_EQ(log->lines().size(), level == LogLevel::debug ? 2U : 0U);
  }
}

TEST(QmpLog, NeverShowsASecretSentOrAnswered) {
  const auto secret = Value::map({{"password", "hush"}, {"list", Value::list({Value::map({{"key", "hush"}})})}});
  FakeQmpServer server{ready_script().serve(
      {{"object-add", [](const Value&) -> Value { throw Error(Errc::internal, "bad value"); }},
       {"qom-get", [](const Value&) { return Value{"hush"}; }},
       {"human-monitor-command", [](const Value&) { return Value{"the password is hush"}; }},
       {"query-thing", [&](const Value&) { return secret; }},
       {"qom-set", [](const Value&) -> Value { throw Error(Errc::internal, "cannot take hush"); }}})};
  const auto log = std::make_shared<KeptLog>(LogLevel::trace);
  auto client = connect(server, {.log = log});
  const auto property = [](const char* name) {
    return Value::map({{"path", "/objects/s0"}, {"property", name}, {"value", "hush"}});
  };
  for (const auto& command :
       {object_add("secret"), nested_object_add("secret", Value::map({{"format", "raw"}, {"data", "hush"}})),
        Command{"set_password", Value::map({{"protocol", "vnc"}, {"password", "hush"}})}, Command{"query-thing"},
        Command{"qom-get", property("data")}, Command{"qom-set", property("password")},
        Command{"human-monitor-command", Value::map({{"command-line", "set_password vnc hush"}})},
        Command{"blockdev-add", Value::map({{"encrypt.passphrase", "hush"}, {"nested", secret}})}}) {
    (void)client->call(command, plenty);
  }
  client.reset();
  const auto lines = log->lines();
  EXPECT_EQ(lines.size(), 2U + 2U * 8U);
  for (const auto& line : lines) EXPECT_EQ(line.find("hush"), std::string::npos) << line;
}

TEST(QmpLog, HidesValuesOfSecretPropertiesAlone) {
  const auto set = [](const char* property) {
    return shown_arguments({"qom-set", Value::map({{"property", property}, {"value", 7}})});
  };
  EXPECT_EQ(set("password"), R"({"property":"password","value":"***"})");
  EXPECT_EQ(set("size"), R"({"property":"size","value":7})");
  EXPECT_EQ(shown_arguments({"blockdev-add", Value::map({{"key-secret", "s0"}})}), R"({"key-secret":"s0"})");
  EXPECT_EQ(shown_arguments(object_add("secret")), R"({"qom-type":"secret","id":"s0","data":"***"})");
  EXPECT_EQ(shown_arguments(nested_object_add("secret", Value::map({{"data", "hush"}}))),
            R"({"qom-type":"secret","id":"o0","props":"***"})");
  EXPECT_EQ(shown_arguments(nested_object_add("memory-backend-ram", Value::map({{"size", 7}}))),
            R"({"qom-type":"memory-backend-ram","id":"o0","props":{"size":7}})");
}

TEST(QmpLog, HidesThePasswordsOfUrls) {
  const auto add = [](const char* name, const std::string& url) {
    return shown_arguments({"blockdev-add", Value::map({{"driver", "https"}, {name, url}})});
  };
  EXPECT_EQ(add("url", "https://me:hush@host:8443/disk@1?x=a:b"),
            R"({"driver":"https","url":"https://me:***@host:8443/disk@1?x=a:b"})");
  EXPECT_EQ(add("filename", "iscsi://me%hush@host/iqn.x/0"),
            R"({"driver":"https","filename":"iscsi://me%***@host/iqn.x/0"})");
  EXPECT_EQ(add("uri", "ssh://me@host:22/disk"), R"({"driver":"https","uri":"ssh://me@host:22/disk"})");
  EXPECT_EQ(shown(Value{"https://host:80/a@b"}), R"("https://host:80/a@b")");
  EXPECT_EQ(shown(Value{"json:{\"url\":\"ftp://:hu@sh@host\"}"}), R"("json:{\"url\":\"ftp://:***@host\"}")");
  EXPECT_EQ(shown_text("No https://a:hush@b and no http://c:hush@d"), "No https://a:***@b and no http://c:***@d");
  EXPECT_EQ(shown_text("a://b:c"), "a://b:c");
  EXPECT_EQ(shown_text("a://:@b://c:hush@d"), "a://:@b://c:***@d");
}

TEST(QmpLog, HidesThePasswordsOfUrlsHoweverLong) {
  for (const std::size_t size : {500U, 5000U, 1U << 20U}) {
    EXPECT_EQ(shown_text("http://me:" + std::string(size, 'p') + "@host").find("ppp"), std::string::npos) << size;
  }
  // One that begins where the line ends.
  for (std::size_t lead = max_logged_bytes - 16; lead < max_logged_bytes + 4; ++lead) {
    EXPECT_EQ(shown_text(std::string(lead, 'x') + "http://me:hush@host").find("hush"), std::string::npos);
  }
}

TEST(QmpLog, EscapesTextOfThePeer) {
  EXPECT_EQ(shown(Value{"a\n\x1b[2J\"\\\xc2\x9b\x7f"}), R"("a\x0a\x1b[2J\"\\\xc2\x9b\x7f")");
  EXPECT_EQ(shown(Value::map({{"k\r", "v"}})), R"({"k\x0d":"v"})");
  EXPECT_EQ(shown_text("E\nforged line"), "E\\x0aforged line");
}

TEST(QmpLog, BoundsWhatItShows) {
  EXPECT_LE(shown(Value{std::string(1U << 20U, 'x')}).size(), max_logged_bytes + 8);
  EXPECT_LE(shown_text(std::string(1U << 20U, '\x01')).size(), max_logged_bytes + 8);
  auto wide = Value::list();
  for (int i = 0; i < 100'000; ++i) wide.push_back(i);
  EXPECT_LE(shown(wide).size(), max_logged_bytes + 16);
  Value deep{1};
  for (int i = 0; i < 100; ++i) deep = Value::list({std::move(deep)});
  EXPECT_EQ(shown(deep), std::string(16, '[') + "..." + std::string(16, ']'));
}

/// A host's log.
class HostLog final : public LogSink {
 public:
  [[nodiscard]] bool enabled(LogLevel level) const noexcept override { return level == LogLevel::trace; }
  void write(LogLevel, std::string_view vm, std::string_view text) noexcept override {
    written = std::string{vm} + ": " + std::string{text};
  }
  std::string written;
};

TEST(QmpLog, GoesToTheHostsLogInTheNameOfTheVm) {
  EXPECT_EQ(make_qmp_log(nullptr, "vm0"), nullptr);
  const auto host = std::make_shared<HostLog>();
  const auto log = make_qmp_log(host, "vm0");
  EXPECT_TRUE(log->enabled(LogLevel::trace));
  EXPECT_FALSE(log->enabled(LogLevel::debug));
  log->write(LogLevel::trace, "text");
  EXPECT_EQ(host->written, "vm0: text");
}

}  // namespace
}  // namespace visor::sdk::qmp

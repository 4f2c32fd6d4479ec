// SPDX-License-Identifier: Apache-2.0
#include "qmp/session.hpp"

#include "batch_text.hpp"
#include "qmp_test_support.hpp"
#include "visor/core/json.hpp"

#include <fcntl.h>

namespace visor::sdk::qmp {
namespace {

constexpr auto greeting = R"({"QMP":{"version":{"qemu":{"micro":1,"minor":2,"major":7}},"capabilities":["oob"]}})";

/// A session whose wire and clock are in the test's hands.
class SessionTest : public ::testing::Test {
 protected:
  Session::Action receive(std::string_view json) { return session.receive(classify(parse_json(json)), now); }

  /// What it wants to send, all of it, taken by the socket.
  std::string sent() {
    std::string text;
    while (true) {
      const auto batch = text_of(session.begin_write());
      if (batch.empty()) return text;
      session.end_write(batch.size());
      text += batch;
    }
  }

  void make_ready() {
    (void)receive(greeting);
    (void)sent();
    ASSERT_TRUE(std::holds_alternative<Session::Ready>(receive(R"({"return":{},"id":1})")));
  }

  CallId submit(const std::string& name, Session::Time deadline = Session::Time::max(), int fd = -1) {
    auto result = session.submit(Command{name}, UniqueFd{fd}, deadline, [](const Outcome&) {}, now);
    return std::holds_alternative<CallId>(result) ? std::get<CallId>(result) : 0;
  }
  QmpError refusal(const Command& command, int fd = -1) {
    auto result = session.submit(command, UniqueFd{fd}, Session::Time::max(), [](const Outcome&) {}, now);
    return std::holds_alternative<QmpError>(result) ? std::get<QmpError>(result) : QmpError{};
  }
  static std::string reply_to(CallId id) {
    return R"({"return":{"of":)" + std::to_string(id) + R"(},"id":)" + std::to_string(id) + "}";
  }

  Session session{{.peer = "vm0", .minimum_version = {5, 0, 0}, .max_unanswered = 4}};
  Session::Time now{1s};
};

TEST_F(SessionTest, IsReadyWithTheAnswerToQmpCapabilitiesNotWithTheGreeting) {
  EXPECT_EQ(session.state(), State::awaiting_greeting);
  EXPECT_EQ(sent(), "");
  (void)receive(greeting);
  EXPECT_EQ(session.state(), State::negotiating);
  EXPECT_EQ(sent(), "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]},\"id\":1}\n");
  EXPECT_EQ(refusal({"stop"}).code, Errc::invalid_state);
  EXPECT_TRUE(std::holds_alternative<Session::Ready>(receive(R"({"return":{},"id":1})")));
  EXPECT_EQ(session.state(), State::ready);
  EXPECT_TRUE(session.out_of_band());
  EXPECT_EQ(to_string(session.version()), "7.2.1");
}

TEST_F(SessionTest, EnablesOutOfBandOnlyWhenOffered) {
  (void)receive(R"({"QMP":{"version":{"qemu":{"major":7}},"capabilities":[]}})");
  EXPECT_EQ(sent(), "{\"execute\":\"qmp_capabilities\",\"id\":1}\n");
  (void)receive(R"({"return":{},"id":1})");
  EXPECT_EQ(refusal({.name = "x", .out_of_band = true}).code, Errc::unsupported);
}

TEST_F(SessionTest, RefusesAnOldQemuNamingBothVersions) {
  const auto action = receive(R"({"QMP":{"version":{"qemu":{"micro":1,"minor":2,"major":4}},"capabilities":[]}})");
  ASSERT_TRUE(std::holds_alternative<QmpError>(action));
  EXPECT_EQ(std::get<QmpError>(action).code, Errc::unsupported);
  EXPECT_EQ(std::get<QmpError>(action).message, "vm0 is too old: it is version 4.2.1, and 5.0.0 or newer is needed");
}

TEST_F(SessionTest, TakesNoEventForAnAnswerWhereverItComes) {
  // The whole dialogue, with an event at every place between two messages in turn.
  const std::vector<std::string> dialogue = {greeting, R"({"return":{},"id":1})", reply_to(2), reply_to(3)};
  for (std::size_t place = 0; place <= dialogue.size(); ++place) {
    session = Session{{}};
    int events = 0;
    std::vector<CallId> answered;
    for (std::size_t step = 0; step <= dialogue.size(); ++step) {
      if (step == place) events += std::holds_alternative<Event>(receive(R"({"event":"RESET"})")) ? 1 : 0;
      if (step == dialogue.size()) break;
      auto action = receive(dialogue[step]);
      if (std::holds_alternative<Session::Ready>(action)) {
        ASSERT_EQ(submit("a"), 2U);
        ASSERT_EQ(submit("b"), 3U);
      }
      if (auto* const finished = std::get_if<Session::Finished>(&action)) {
        answered.push_back(finished->outcome.value().at("of").as_uint());
      }
    }
    EXPECT_EQ(events, 1) << place;
    EXPECT_EQ(answered, (std::vector<CallId>{2, 3})) << place;
  }
}

TEST_F(SessionTest, RoutesAnswersByIdInAnyOrder) {
  make_ready();
  const auto a = submit("a");
  const auto b = submit("b");
  auto action = receive(reply_to(b));
  EXPECT_EQ(std::get<Session::Finished>(action).outcome.value().at("of").as_uint(), b);
  action = receive(reply_to(a));
  EXPECT_EQ(std::get<Session::Finished>(action).outcome.value().at("of").as_uint(), a);
  EXPECT_EQ(session.counters.replied, 2U);
}

TEST_F(SessionTest, CountsAnswersToNothing) {
  make_ready();
  const auto a = submit("a");
  (void)receive(reply_to(a));
  const auto again = reply_to(a);
  for (const auto& stray : {again, std::string{R"({"return":{},"id":77})"}, std::string{R"({"return":{},"id":"1"})"},
                            std::string{R"({"return":{},"id":-1})"}, std::string{R"({"return":{}})"},
                            std::string{R"({"error":{"class":"GenericError","desc":"x"},"id":77})"}}) {
    const auto action = receive(stray);
    ASSERT_TRUE(std::holds_alternative<Session::Stray>(action)) << stray;
    EXPECT_FALSE(std::get<Session::Stray>(action).late) << stray;
  }
  EXPECT_EQ(session.counters.unknown_ids, 6U);
  EXPECT_EQ(session.state(), State::ready);
}

TEST_F(SessionTest, CountsUnknownObjectsAndASecondGreeting) {
  make_ready();
  (void)receive(R"({"news":1})");
  (void)receive(greeting);
  EXPECT_EQ(session.counters.unknown_objects, 2U);
  EXPECT_EQ(session.state(), State::ready);
}

TEST_F(SessionTest, EndsAtAnErrorWithoutId) {
  make_ready();
  const auto action = receive(R"({"error":{"class":"GenericError","desc":"JSON parse error, stray 'x'"}})");
  ASSERT_TRUE(std::holds_alternative<QmpError>(action));
  EXPECT_EQ(std::get<QmpError>(action).message, "vm0 could not read a command: JSON parse error, stray 'x'");
}

TEST_F(SessionTest, KeepsClassTextAndCommandOfAnError) {
  make_ready();
  const auto id = submit("device_del");
  auto action = receive(R"({"id":)" + std::to_string(id) +
                        R"(,"error":{"class":"DeviceNotFound","desc":"Device 'b0'\n not found"}})");
  const auto& outcome = std::get<Session::Finished>(action).outcome;
  ASSERT_NE(outcome.error(), nullptr);
  EXPECT_EQ(outcome.error()->code, Errc::hypervisor_error);
  EXPECT_EQ(outcome.error()->message, "vm0 refused device_del: Device 'b0'  not found (DeviceNotFound)");
  EXPECT_TRUE(outcome.refused(ErrorClass::device_not_found));
  EXPECT_EQ(session.counters.errors, 1U);
}

TEST_F(SessionTest, CountsAndDropsTheAnswerAfterTheDeadline) {
  make_ready();
  const auto a = submit("a", now + 1s);
  (void)sent();
  EXPECT_TRUE(session.expire(now).empty());
  const auto expired = session.expire(now + 1s);
  ASSERT_EQ(expired.size(), 1U);
  EXPECT_EQ(expired[0].outcome.error()->message, "vm0 did not answer a in time");
  EXPECT_FALSE(expired[0].outcome.error()->unsent);
  const auto action = receive(reply_to(a));
  ASSERT_TRUE(std::holds_alternative<Session::Stray>(action));
  EXPECT_EQ(std::get<Session::Stray>(action).late->exchange.command, "a");
  EXPECT_FALSE(std::get<Session::Stray>(action).late->completion);
  EXPECT_EQ(session.counters.late, 1U);
  EXPECT_EQ(session.counters.timed_out, 1U);
  EXPECT_EQ(session.counters.unknown_ids, 0U);
}

TEST_F(SessionTest, WithdrawsACommandThatWasNotSent) {
  make_ready();
  const auto a = submit("a");
  const auto b = submit("b");
  const auto ended = session.abandon(a, Errc::cancelled);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->outcome.error()->message, "Cancelled a before it was sent");
  EXPECT_TRUE(ended->outcome.error()->unsent);
  EXPECT_EQ(sent(), "{\"execute\":\"b\",\"id\":" + std::to_string(b) + "}\n");
  EXPECT_EQ(session.counters.withdrawn, 1U);
  EXPECT_FALSE(session.abandon(a, Errc::cancelled));
}

TEST_F(SessionTest, ExpiresInTheOrderOfDeadlines) {
  make_ready();
  (void)submit("late", now + 3s);
  (void)submit("soon", now + 1s);
  const auto gone = submit("gone", now + 1s);
  (void)receive(reply_to(gone));
  EXPECT_EQ(session.next_deadline(), now + 1s);
  EXPECT_EQ(session.expire(now + 2s).size(), 1U);
  EXPECT_EQ(session.next_deadline(), now + 3s);
  EXPECT_EQ(session.expire(now + 3s).size(), 1U);
  EXPECT_EQ(session.next_deadline(), Session::Time::max());
}

TEST_F(SessionTest, BoundsWhatIsUnansweredAlsoWhatWasGivenUp) {
  make_ready();
  for (int i = 0; i < 4; ++i) {
    const auto id = submit("a");
    (void)sent();
    ASSERT_TRUE(session.abandon(id, Errc::timeout));
  }
  EXPECT_EQ(refusal({"one-more"}).code, Errc::exhausted);
  EXPECT_TRUE(refusal({"one-more"}).unsent);
  (void)receive(reply_to(2));
  EXPECT_NE(submit("now"), 0U);
}

TEST_F(SessionTest, BoundsUnsentBytes) {
  session = Session{{.max_queued_bytes = 60}};
  make_ready();
  EXPECT_NE(submit("fits"), 0U);
  EXPECT_EQ(refusal({"a-name-that-makes-it-too-long"}).code, Errc::exhausted);
  EXPECT_TRUE(refusal({"a-name-that-makes-it-too-long"}).unsent);
}

TEST_F(SessionTest, SendsOneDescriptorAtATime) {
  make_ready();
  const auto null = [] { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); };
  const auto first = submit("getfd", Session::Time::max(), null());
  (void)submit("add-fd", Session::Time::max(), null());
  (void)submit("stop");
  EXPECT_EQ(sent(), "{\"execute\":\"getfd\",\"id\":" + std::to_string(first) + "}\n");
  ASSERT_TRUE(session.abandon(first, Errc::timeout));
  EXPECT_EQ(sent(), "");  // the peer still holds the first: a second would take its place
  (void)receive(reply_to(first));
  EXPECT_NE(sent().find("add-fd"), std::string::npos);
  EXPECT_EQ(refusal({"stop"}, null()).code, Errc::invalid_config);
}

TEST_F(SessionTest, TakesTheAnswerToADescriptorThatOvertakesTheEndOfItsWrite) {
  make_ready();
  const auto null = [] { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); };
  const auto first = submit("getfd", Session::Time::max(), null());
  const auto second = submit("getfd", Session::Time::max(), null());
  const auto batch = session.begin_write();
  EXPECT_EQ(batch.fd_line, first);
  (void)receive(reply_to(first));
  session.end_write(batch.parts[0].iov_len);
  EXPECT_EQ(session.begin_write().fd_line, second);
  session.end_write(0);  // the socket was full: the second is still to be sent
  EXPECT_EQ(session.begin_write().fd_line, second);
}

TEST_F(SessionTest, FailsEveryCallOnceInOrderAtTheEnd) {
  make_ready();
  (void)submit("a", now + 1s);
  (void)submit("b");
  auto failed = session.end({Errc::disconnected, "vm0 closed the QMP connection"});
  ASSERT_EQ(failed.size(), 2U);
  EXPECT_EQ(failed[0].outcome.error()->message, "No answer to a: vm0 closed the QMP connection");
  EXPECT_EQ(failed[1].outcome.error()->message, "No answer to b: vm0 closed the QMP connection");
  EXPECT_EQ(failed[0].outcome.error()->code, Errc::disconnected);
  EXPECT_EQ(session.state(), State::failed);
  EXPECT_TRUE(session.end({Errc::disconnected, "again"}).empty());
  EXPECT_TRUE(session.expire(now + 5s).empty());
  EXPECT_EQ(refusal({"c"}).message, "Cannot send c: vm0 closed the QMP connection");
}

TEST_F(SessionTest, SaysHowFarNegotiationCame) {
  (void)session.end({Errc::disconnected, "vm0 closed"});
  EXPECT_EQ(session.failure()->message, "vm0 closed before its greeting");
  session = Session{{}};
  (void)receive(greeting);
  (void)session.end({Errc::disconnected, "vm0 closed"});
  EXPECT_EQ(session.failure()->message, "vm0 closed before it was ready");
}

TEST_F(SessionTest, EndsWhenTheCapabilitiesAreRefused) {
  (void)receive(greeting);
  const auto action = receive(R"({"id":1,"error":{"class":"GenericError","desc":"no"}})");
  ASSERT_TRUE(std::holds_alternative<QmpError>(action));
  EXPECT_EQ(std::get<QmpError>(action).code, Errc::hypervisor_error);
}

TEST_F(SessionTest, KnowsSinceWhenAnAnswerIsOwed) {
  make_ready();
  EXPECT_FALSE(session.silent_since());
  now += 1s;
  const auto a = submit("a");
  const auto asked = now;
  now += 1s;
  (void)submit("b");
  EXPECT_EQ(session.silent_since(), asked);
  (void)sent();
  ASSERT_TRUE(session.abandon(a, Errc::timeout));
  EXPECT_EQ(session.silent_since(), asked);  // an answer to what was given up is still owed
  (void)receive(reply_to(a));
  EXPECT_EQ(session.silent_since(), now);
  (void)receive(reply_to(a + 1));
  EXPECT_FALSE(session.silent_since());
}

}  // namespace
}  // namespace visor::sdk::qmp

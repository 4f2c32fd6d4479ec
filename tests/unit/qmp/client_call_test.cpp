// SPDX-License-Identifier: Apache-2.0
#include "qmp_test_support.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace visor::sdk::qmp {
namespace {

Value number(int n) { return Value::map({{"n", n}}); }

TEST(QmpCall, ReturnsTheValue) {
  FakeQmpServer server{ready_script()
                           .expect("qom-get", Value::map({{"path", "/machine"}}))
                           .reply(Value{std::uint64_t{9007199254740993}})};
  const auto client = connect(server);
  EXPECT_EQ(client->execute("qom-get", Value::map({{"path", "/machine"}}), plenty).as_uint(), 9007199254740993U);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpCall, TakesAnswersSplitAndGlued) {
  FakeQmpServer server{std::move(QmpScript{}
                                     .split(1)
                                     .greet()
                                     .negotiate()
                                     .expect("a")
                                     .reply(number(1))
                                     .split(0)
                                     .expect("b")
                                     .glue()
                                     .event("ONE")
                                     .reply(number(2))
                                     .event("TWO")
                                     .unglue()
                                     .expect("c")
                                     .raw("{\"return\": {\"n\": 3}, \"id\": 4}")
                                     .expect_end())};
  auto client = connect(server);
  const auto events = client->subscribe();
  EXPECT_EQ(client->execute("a", plenty), number(1));
  EXPECT_EQ(client->execute("b", plenty), number(2));
  EXPECT_EQ(client->execute("c", plenty), number(3));
  EXPECT_EQ(events->next(plenty)->name, "ONE");
  EXPECT_EQ(events->next(plenty)->name, "TWO");
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpCall, ThrowsQemusErrorWithCommandTextAndClass) {
  FakeQmpServer server{ready_script()
                           .expect("device_del")
                           .fail("DeviceNotFound", "Device 'x' not found")
                           .expect("nope")
                           .fail("CommandNotFound", "")};
  const auto client = connect(server);
  const auto error = error_of([&] { (void)client->execute("device_del", plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::hypervisor_error);
  EXPECT_EQ(error->message(), "QEMU refused device_del: Device 'x' not found (DeviceNotFound)");
  const auto outcome = client->call({"nope"}, plenty);
  EXPECT_TRUE(outcome.refused(ErrorClass::command_not_found));
  EXPECT_EQ(outcome.error()->message, "QEMU refused nope: it gave no reason (CommandNotFound)");
  EXPECT_EQ(client->counters().errors, 2U);
}

TEST(QmpCall, TakesAnAnswerOfMegabytesAndEndsAboveTheLimit) {
  const std::string big(2U << 20U, 'x');
  FakeQmpServer server{ready_script().expect("schema").reply(Value{big}).expect("schema").reply(Value{big + big})};
  const auto client = connect(server, {.max_message_bytes = 3U << 20U});
  EXPECT_EQ(client->execute("schema", plenty).as_string().size(), big.size());
  const auto error = error_of([&] { (void)client->execute("schema", plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::disconnected);
  EXPECT_NE(error->message().find("longer than the limit of 3145728 bytes"), std::string::npos);
  EXPECT_EQ(client->state(), State::failed);
}

TEST(QmpCall, LivesOnAfterADeadlineAndDropsTheLateAnswer) {
  FakeQmpServer server{
      ready_script().expect("slow").pause("late").reply(number(1)).expect("next").reply(number(2)).expect_end()};
  auto client = connect(server);
  const auto error = error_of([&] { (void)client->execute("slow", brief); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::timeout);
  EXPECT_EQ(error->message(), "QEMU did not answer slow in time");
  server.release("late");
  EXPECT_EQ(client->execute("next", plenty), number(2));
  const auto counters = client->counters();
  EXPECT_EQ(counters.late, 1U);
  EXPECT_EQ(counters.timed_out, 1U);
  EXPECT_EQ(counters.replied, 1U);
  EXPECT_EQ(client->state(), State::ready);
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpCall, GivesEachCallItsOwnDeadline) {
  // A short one must not shorten the next, nor a long one lengthen it.
  FakeQmpServer server{
      ready_script().expect("short").expect("long").pause("go").reply(number(2)).expect("short").silence()};
  const auto client = connect(server);
  EXPECT_EQ(code_of([&] { (void)client->execute("short", brief); }), Errc::timeout);
  std::thread later{[&] { server.release("go"); }};
  EXPECT_EQ(client->execute("long", plenty), number(2));
  later.join();
  EXPECT_EQ(code_of([&] { (void)client->execute("short", brief); }), Errc::timeout);
}

TEST(QmpCall, EndsAtCancellationOnlyOnce) {
  FakeQmpServer server{
      ready_script().expect("wait").event("GOT").pause("late").reply().expect("next").reply(number(2))};
  CancelSource source;
  const auto client = connect(server, {.on_event = [&](const Event&) { source.cancel(); }});
  const CallContext call{in(plenty), source.token()};
  const auto error = error_of([&] { (void)client->execute("wait", call); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::cancelled);
  EXPECT_EQ(error->message(), "Cancelled wait; QEMU may still do it");
  EXPECT_EQ(code_of([&] { (void)client->execute("never-sent", call); }), Errc::cancelled);
  server.release("late");
  EXPECT_EQ(client->execute("next", plenty), number(2));
  EXPECT_EQ(client->counters().cancelled, 1U);
  EXPECT_EQ(client->counters().late, 1U);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpCall, DoesNotSendAfterAnExpiredDeadline) {
  FakeQmpServer server{ready_script().expect("real").reply()};
  const auto client = connect(server);
  EXPECT_EQ(code_of([&] { (void)client->execute("expired", CallContext{0ms}); }), Errc::timeout);
  Promised call;
  client->call_async({"expired"}, in(-1ms), call.completion());
  EXPECT_EQ(call.get().error()->code, Errc::timeout);
  (void)client->execute("real", plenty);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpCall, WithdrawsWhatAFrozenPeerNeverTook) {
  FakeQmpServer server{ready_script().pause("thaw").serve(
      {{"big", [](const Value&) { return Value::map(); }}, {"next", [](const Value&) { return number(2); }}})};
  const auto client = connect(server);
  std::vector<Promised> fill(8);
  for (auto& call : fill) {
    client->call_async({"big", Value::map({{"text", std::string(64U << 10U, 'x')}})}, in(plenty), call.completion());
  }
  const auto error = error_of([&] { (void)client->execute("forgotten", brief); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::timeout);
  EXPECT_EQ(error->message(), "QEMU took no input in time; forgotten was not sent");
  EXPECT_GE(client->unanswered_for(), brief);
  server.release("thaw");
  for (auto& call : fill) EXPECT_TRUE(call.get().ok());
  EXPECT_EQ(client->execute("next", plenty), number(2));
  for (const auto& command : server.received()) EXPECT_NE(command.at("execute"), Value{"forgotten"});
  EXPECT_EQ(client->counters().withdrawn, 1U);
  EXPECT_EQ(client->counters().late, 0U);
  EXPECT_EQ(client->unanswered_for(), 0ms);
}

TEST(QmpCall, PipelinesAndAnswersInAnyOrder) {
  FakeQmpServer server{
      ready_script().expect("a").expect("b").expect("c").reply(number(2), 1).reply(number(3), 0).reply(number(1), 2)};
  const auto client = connect(server);
  std::vector<Promised> calls(3);
  const std::vector<std::string> names = {"a", "b", "c"};
  for (std::size_t i = 0; i < 3; ++i) client->call_async({names[i]}, in(plenty), calls[i].completion());
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(calls[i].get().value(), number(static_cast<int>(i) + 1));
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpCall, EndsAnAsynchronousCallAtItsDeadline) {
  FakeQmpServer server{ready_script().silence()};
  const auto client = connect(server);
  Promised late;
  Promised soon;
  client->call_async({"late"}, in(plenty), late.completion());
  client->call_async({"soon"}, in(brief), soon.completion());
  EXPECT_EQ(soon.get().error()->code, Errc::timeout);
  EXPECT_EQ(late.count(), 0);
}

TEST(QmpCall, CancelsAnAsynchronousCall) {
  FakeQmpServer server{ready_script().silence()};
  const auto client = connect(server);
  Promised call;
  const auto id = client->call_async({"x"}, in(plenty), call.completion());
  EXPECT_TRUE(client->cancel(id));
  EXPECT_EQ(call.get().error()->code, Errc::cancelled);
  EXPECT_FALSE(client->cancel(id));
  EXPECT_EQ(call.count(), 1);
}

TEST(QmpCall, RefusesToBlockTheIoThread) {
  FakeQmpServer server{ready_script().expect("a").event("E").reply()};
  std::vector<std::optional<Errc>> codes;
  std::unique_ptr<Client> client;
  std::promise<void> made;
  const auto on_event = [&, ready = made.get_future().share()](const Event&) {
    ready.wait();
    codes.push_back(code_of([&] { (void)client->execute("b", plenty); }));
    codes.push_back(code_of([&] { (void)client->wait_for_event({"E"}, plenty); }));
    codes.push_back(code_of([&] { (void)Client::connect("/nowhere", {}, plenty); }));
  };
  client = connect(server, {.on_event = on_event});
  made.set_value();
  (void)client->execute("a", plenty);
  EXPECT_EQ(codes, (std::vector<std::optional<Errc>>(3, Errc::wrong_thread)));
}

TEST(QmpCall, SendsCommandsFromCallbacks) {
  FakeQmpServer server{ready_script().expect("a").event("GO").reply().expect("b").reply().expect("c").reply(number(3))};
  Promised last;
  Client* raw = nullptr;
  const auto on_event = [&](const Event&) {
    raw->call_async({"b"}, in(plenty), [&](const Outcome&) { raw->call_async({"c"}, in(plenty), last.completion()); });
  };
  const auto client = connect(server, {.on_event = on_event});
  raw = client.get();
  (void)client->execute("a", plenty);
  EXPECT_EQ(last.get().value(), number(3));
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpCall, CountsCallbacksThatThrow) {
  FakeQmpServer server{ready_script().expect("a").event("E").reply().expect("b").reply()};
  const auto client = connect(server, {.on_event = [](const Event&) { throw std::runtime_error("boom"); }});
  Promised done;
  client->call_async({"a"}, in(plenty), [completion = done.completion()](Outcome outcome) {
    completion(std::move(outcome));
    throw std::runtime_error("boom");
  });
  EXPECT_TRUE(done.get().ok());
  EXPECT_TRUE(client->call({"b"}, plenty).ok());
  EXPECT_EQ(client->counters().callback_failures, 2U);
}

TEST(QmpCall, PassesADescriptorWithGetfdOnly) {
  FakeQmpServer server{ready_script().expect("getfd").reply().expect("getfd").reply()};
  const auto client = connect(server);
  const UniqueFd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(
        client->call({.name = "getfd", .arguments = Value::map({{"fdname", "a"}}), .fd = null.get()}, plenty).ok());
  }
  EXPECT_EQ(server.finish(), "");
  EXPECT_EQ(server.received_fds(), 2U);
}

TEST(QmpCall, RefusesADescriptorWithAnotherCommandAndABadOne) {
  FakeQmpServer server{ready_script().serve({})};
  const auto client = connect(server);
  EXPECT_EQ(client->call({.name = "stop", .fd = STDIN_FILENO}, plenty).error()->code, Errc::invalid_config);
  const auto bad = client->call({.name = "getfd", .fd = 100'000}, plenty);
  EXPECT_EQ(bad.error()->code, Errc::io_error);
  EXPECT_TRUE(bad.error()->unsent);
  EXPECT_EQ(code_of([&] { (void)client->execute("stop", Value::list({}), plenty); }), Errc::invalid_config);
  EXPECT_EQ(client->counters().sent, 1U);  // qmp_capabilities
}

TEST(QmpCall, RefusesTooManyUnansweredCommands) {
  FakeQmpServer server{ready_script().silence()};
  const auto client = connect(server, {.max_unanswered = 2});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(code_of([&] { (void)client->execute("x", brief); }), Errc::timeout);
  EXPECT_EQ(code_of([&] { (void)client->execute("x", plenty); }), Errc::exhausted);
}

}  // namespace
}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#include "qmp_test_support.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace visor::sdk::qmp {
namespace {

TEST(QmpEnd, FailsEveryPendingCallOnceWithTheCause) {
  FakeQmpServer server{ready_script().expect("a").expect("b").expect("c").close()};
  const auto client =
      connect(server, {.peer = "vm0", .loss_cause = [](Deadline) { return "it was killed by signal 9"; }});
  std::vector<Promised> calls(2);
  client->call_async({"a"}, in(plenty), calls[0].completion());
  client->call_async({"b"}, in(plenty), calls[1].completion());
  const auto error = error_of([&] { (void)client->execute("c", plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::disconnected);
  EXPECT_EQ(error->message(), "No answer to c: vm0 closed the QMP connection: it was killed by signal 9");
  EXPECT_EQ(calls[0].get().error()->message,
            "No answer to a: vm0 closed the QMP connection: it was killed by signal 9");
  EXPECT_EQ(calls[1].get().error()->code, Errc::disconnected);
  client->io()->run_and_wait([] {});
  EXPECT_EQ(calls[0].count() + calls[1].count(), 2);
  EXPECT_EQ(client->state(), State::failed);
}

TEST(QmpEnd, ABlockingCallWaitsForACauseThatIsNotKnownYet) {
  FakeQmpServer server{ready_script().expect("a").close()};
  std::promise<std::string> known;
  const auto cause = [future = known.get_future().share()](Deadline until) -> std::string {
    return future.wait_until(until) == std::future_status::ready ? future.get() : "";
  };
  const auto client =
      connect(server, {.on_lost = [&](const QmpError& error) { known.set_value("told after: " + error.message); },
                       .loss_cause = cause,
                       .cause_wait = plenty});
  const auto outcome = client->call({"a"}, plenty);
  EXPECT_EQ(outcome.error()->message,
            "No answer to a: QEMU closed the QMP connection: told after: QEMU closed the QMP connection");
}

TEST(QmpEnd, ACauseThatThrowsOrIsSilentDoesNoHarm) {
  FakeQmpServer server{ready_script().expect("a").close()};
  const auto client =
      connect(server, {.loss_cause = [](Deadline) -> std::string { throw std::runtime_error("boom"); }});
  EXPECT_EQ(client->call({"a"}, plenty).error()->message, "No answer to a: QEMU closed the QMP connection");
}

TEST(QmpEnd, CallsAfterTheEndFailAtOnceAndOnce) {
  FakeQmpServer server{ready_script().pause("go").close()};
  std::promise<QmpError> lost;
  const auto client = connect(server, {.on_lost = [&](const QmpError& error) { lost.set_value(error); }});
  server.release("go");
  auto future = lost.get_future();
  ASSERT_EQ(future.wait_for(plenty), std::future_status::ready);
  EXPECT_EQ(future.get().code, Errc::disconnected);
  const auto error = error_of([&] { (void)client->execute("a", plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message(), "Cannot send a: QEMU closed the QMP connection");
  Promised call;
  client->call_async({"b"}, in(plenty), call.completion());
  EXPECT_EQ(call.get().error()->code, Errc::disconnected);
  EXPECT_EQ(client->failure()->message, "QEMU closed the QMP connection");
}

TEST(QmpEnd, AnErrorWithoutIdEndsTheSession) {
  FakeQmpServer server{ready_script()
                           .expect("a")
                           .raw("{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error\"}}\r\n")
                           .expect_end()};
  const auto client = connect(server);
  EXPECT_EQ(client->call({"a"}, plenty).error()->message,
            "No answer to a: QEMU could not read a command: JSON parse error");
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpEnd, ShutdownWorksTwiceFromAnyThreadAndFailsWhatIsPending) {
  FakeQmpServer server{ready_script().expect("a").event("GOT").expect_end()};
  std::atomic<int> losses{0};
  std::promise<void> got;
  const auto client = connect(
      server, {.on_event = [&](const Event&) { got.set_value(); }, .on_lost = [&](const QmpError&) { ++losses; }});
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&client, ready = i == 0 ? std::optional{got.get_future()} : std::nullopt]() mutable {
      if (!ready) return;
      ready->wait_for(plenty);
      client->shutdown();
      client->shutdown();
    });
  }
  EXPECT_EQ(client->call({"a"}, plenty).error()->message, "No answer to a: the QMP session was shut down");
  for (auto& thread : threads) thread.join();
  client->io()->run_and_wait([] {});
  EXPECT_EQ(client->state(), State::closed);
  EXPECT_EQ(losses, 1);
  client->shutdown();
  EXPECT_EQ(client->call({"b"}, plenty).error()->code, Errc::disconnected);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpEnd, ShutdownFromACallbackStopsCallbacksAtOnce) {
  FakeQmpServer server{ready_script().glue().event("ONE").event("TWO").unglue().expect_end()};
  std::vector<std::string> events;
  std::promise<void> lost;
  Client* raw = nullptr;
  std::promise<void> made;
  const auto on_event = [&, ready = made.get_future().share()](const Event& event) {
    ready.wait();
    events.push_back(event.name);
    raw->shutdown();
  };
  const auto client = connect(server, {.on_event = on_event, .on_lost = [&](const QmpError&) { lost.set_value(); }});
  raw = client.get();
  made.set_value();
  ASSERT_EQ(lost.get_future().wait_for(plenty), std::future_status::ready);
  EXPECT_EQ(events, (std::vector<std::string>{"ONE"}));
}

TEST(QmpEnd, NoLossIsReportedWhenConnectThrew) {
  FakeQmpServer server{std::move(QmpScript{}.greet().expect("qmp_capabilities").close())};
  std::atomic<int> losses{0};
  const auto io = IoThread::shared();
  EXPECT_TRUE(code_of([&] { (void)connect(server, {.io = io, .on_lost = [&](const QmpError&) { ++losses; }}); }));
  io->run_and_wait([] {});
  EXPECT_EQ(losses, 0);
}

TEST(QmpEnd, AForkedChildCannotHarmTheSession) {
  Parking peer;
  Parking io;
  FakeQmpServer server{ready_script().serve({{"park",
                                              [&](const Value&) {
                                                peer.park();
                                                return Value::map();
                                              }},
                                             {"a", [](const Value&) { return Value::map(); }}})};
  auto client = connect(server);
  Promised parked;
  client->call_async({"park"}, in(plenty), parked.completion());
  ASSERT_TRUE(peer.wait_parked());
  client->io()->post([&] { io.park(); });
  ASSERT_TRUE(io.wait_parked());
  const auto child = ::fork();
  if (child == 0) {
    bool refused = code_of([&] { (void)client->execute("x", plenty); }) == Errc::invalid_state;
    // It says what it was about to do first: nothing came before the refusal that may wait for a lock.
    const auto error = error_of([&] { (void)client->call_and_wait({"x"}, {"E"}, plenty); });
    refused &= error && error->message().starts_with("Cannot wait for the event E:");
    client->shutdown();
    client.reset();
    ::_exit(refused ? 0 : 1);
  }
  io.release();
  peer.release();
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(parked.get().ok());
  EXPECT_TRUE(client->call({"a"}, plenty).ok());
  client.reset();
  EXPECT_EQ(server.finish(), "");
}

}  // namespace
}  // namespace visor::sdk::qmp

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

TEST(QmpEnd, TheClientMayBeDestroyedInItsOwnCallback) {
  FakeQmpServer server{ready_script().expect("a").reply().expect_end()};
  auto client = connect(server);
  const auto io = client->io();
  Promised other;
  std::promise<void> destroyed;
  client->call_async({"a"}, in(plenty), [&](const Outcome&) {
    client.reset();
    destroyed.set_value();
  });
  ASSERT_EQ(destroyed.get_future().wait_for(plenty), std::future_status::ready);
  EXPECT_EQ(server.finish(), "");
}

/// Holds the thread that has queued the first command before it sends it. A real log must not block.
class HoldingLog final : public QmpLog {
 public:
  explicit HoldingLog(std::function<void()> hold) : hold_{std::move(hold)} {}
  [[nodiscard]] bool enabled(LogLevel) const noexcept override { return true; }
  void write(LogLevel, std::string_view text) noexcept override {
    if (text.starts_with("QMP #2 a (")) hold_();
  }

 private:
  const std::function<void()> hold_;
};

TEST(QmpEnd, TheClientMayBeDestroyedBeforeTheCallThatLedToItReturns) {
  FakeQmpServer server{ready_script().pause("go").close()};
  const auto io = IoThread::shared();
  std::promise<void> destroyed;
  const auto hold = [&] {
    server.release("go");
    EXPECT_EQ(destroyed.get_future().wait_for(plenty), std::future_status::ready);
    io->run_and_wait([] {});  // that thread has let go of the session too
  };
  auto client = connect(server, {.io = io, .log = std::make_shared<HoldingLog>(hold)});
  client->call_async({"a"}, in(plenty), [&](const Outcome&) {
    client.reset();
    destroyed.set_value();
  });
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpEnd, TheClientMayBeDestroyedWhileTheCallThatLedToItLooksForTheCause) {
  FakeQmpServer server{ready_script().expect("quit").close()};
  const auto io = IoThread::shared();
  std::unique_ptr<Client> client;
  std::promise<void> destroyed;
  const auto loss_cause = [&](Deadline) -> std::string {
    if (io->on_this_thread()) return "";
    EXPECT_EQ(destroyed.get_future().wait_for(plenty), std::future_status::ready);
    io->run_and_wait([] {});
    return "it was told to";
  };
  const auto on_lost = [&](const QmpError&) {
    client.reset();
    destroyed.set_value();
  };
  client = connect(server, {.io = io, .on_lost = on_lost, .loss_cause = loss_cause});
  const auto outcome = client->call({"quit"}, plenty);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error()->message, "No answer to quit: QEMU closed the QMP connection: it was told to");
}

TEST(QmpEnd, TheClientMayBeDestroyedBeforeCancelAndShutdownReturn) {
  for (int round = 0; round < 100; ++round) {
    FakeQmpServer server{ready_script().silence()};
    std::unique_ptr<Client> client;
    std::promise<void> destroyed;
    const auto destroy = [&] {
      if (!client) return;
      client.reset();
      destroyed.set_value();
    };
    client = connect(server, {.on_lost = [&](const QmpError&) { destroy(); }});
    if (round % 2 == 0) {
      client->shutdown();
    } else {
      client->cancel(client->call_async({"a"}, in(plenty), [&](const Outcome&) { destroy(); }));
    }
    ASSERT_EQ(destroyed.get_future().wait_for(plenty), std::future_status::ready);
  }
}

TEST(QmpEnd, DestructionFailsPendingCallsBeforeItReturns) {
  FakeQmpServer server{ready_script().silence()};
  auto client = connect(server);
  Promised pending;
  Promised cancelled;
  client->call_async({"a"}, in(plenty), pending.completion());
  client->cancel(client->call_async({"b"}, in(plenty), cancelled.completion()));
  client.reset();
  EXPECT_EQ(pending.count(), 1);
  EXPECT_EQ(cancelled.count(), 1);
  EXPECT_EQ(pending.get().error()->code, Errc::disconnected);
}

TEST(QmpEnd, NoCallbackRunsAfterDestruction) {
  for (int round = 0; round < 100; ++round) {
    auto script = ready_script();
    for (int i = 0; i < 20; ++i) script.event("E");
    FakeQmpServer server{script.silence()};
    auto alive = std::make_unique<std::atomic<int>>(0);
    auto client = connect(server, {.on_event = [counter = alive.get()](const Event&) { ++*counter; }});
    client.reset();
    alive.reset();  // a callback now would be a use after free, which the sanitizers see
  }
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
  FakeQmpServer server{ready_script().expect("a").reply()};
  auto client = connect(server);
  const auto child = ::fork();
  if (child == 0) {
    const bool refused = code_of([&] { (void)client->execute("x", plenty); }) == Errc::invalid_state;
    client->shutdown();
    client.reset();
    ::_exit(refused ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(client->call({"a"}, plenty).ok());
  EXPECT_EQ(server.finish(), "");
}

}  // namespace
}  // namespace visor::sdk::qmp

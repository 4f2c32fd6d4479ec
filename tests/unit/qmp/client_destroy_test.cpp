// SPDX-License-Identifier: Apache-2.0
#include "raw_peer.hpp"
#include "visor/sdk/qmp/batch.hpp"

#include <atomic>
#include <functional>
#include <string_view>

namespace visor::sdk::qmp {
namespace {

TEST(QmpEnd, TheClientMayBeDestroyedInItsOwnCallback) {
  FakeQmpServer server{ready_script().expect("a").reply().expect_end()};
  auto client = connect(server);
  const auto io = client->io();
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

TEST(QmpEnd, TheClientMayBeDestroyedBetweenTwoCommandsOfABatch) {
  FakeQmpServer server{ready_script().pause("go").close()};
  const auto io = IoThread::shared();
  std::promise<void> destroyed;
  const auto hold = [&] {
    server.release("go");
    EXPECT_EQ(destroyed.get_future().wait_for(plenty), std::future_status::ready);
    io->run_and_wait([] {});
  };
  std::unique_ptr<Client> client;
  const auto on_lost = [&](const QmpError&) {
    client.reset();
    destroyed.set_value();
  };
  client = connect(server, {.io = io, .log = std::make_shared<HoldingLog>(hold), .on_lost = on_lost});
  const auto result = run_batch(*client, {{"a"}, {"b"}}, BatchMode::pipelined, plenty);
  ASSERT_EQ(result.outcomes.size(), 2U);
  EXPECT_EQ(result.failed, 0U);
  EXPECT_EQ(result.outcomes[0].error()->code, Errc::disconnected);
}

TEST(QmpEnd, TheClientMayBeDestroyedWhileABatchIsUnanswered) {
  RawPeer peer;
  peer.negotiate();
  auto client = Client::connect(peer.take_client(), {}, plenty);
  client->call_async({"before"}, in(plenty), [&](const Outcome&) { client.reset(); });
  auto running = std::async(std::launch::async, [&client = *client] {
    return run_batch(client, {{"a"}, {"b"}}, BatchMode::pipelined, plenty);
  });
  (void)peer.read_until("\"b\"");
  peer.close();
  const auto result = running.get();
  ASSERT_EQ(result.outcomes.size(), 2U);
  for (const auto& outcome : result.outcomes) EXPECT_EQ(outcome.error()->code, Errc::disconnected);
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

/// What ended the calls of which the first destroys the client.
enum class EndedBy { deadline, cancellation, loss };

class DestructionInACompletion : public ::testing::TestWithParam<EndedBy> {
 protected:
  void begin(CallId& first, CallId& second, Deadline deadline) {
    first = client->call_async({"first"}, deadline, [this](const Outcome&) {
      ran.emplace_back("first");
      client.reset();
      ran.emplace_back("destroyed");
    });
    second = client->call_async({"second"}, deadline, [this](const Outcome&) { ran.emplace_back("second"); });
    client->call_async({"third"}, in(plenty), [this](const Outcome&) { ran.emplace_back("third"); });
  }

  RawPeer peer;
  std::shared_ptr<IoThread> io = IoThread::manual();
  std::vector<std::string> ran;
  std::unique_ptr<Client> client =
      connect_by_hand(peer, io, {.on_lost = [this](const QmpError&) { ran.emplace_back("lost"); }});
};

TEST_P(DestructionInACompletion, RunsWhatIsLeftBeforeItReturns) {
  CallId first = 0;
  CallId second = 0;
  begin(first, second, GetParam() == EndedBy::deadline ? in(1ms) : in(plenty));
  if (GetParam() == EndedBy::cancellation) {
    client->cancel(first);
    client->cancel(second);
  }
  if (GetParam() == EndedBy::loss) peer.close();
  while (ran.empty()) io->run_ready();
  settle(*io);
  EXPECT_EQ(ran, (std::vector<std::string>{"first", "second", "third", "lost", "destroyed"}));
}

INSTANTIATE_TEST_SUITE_P(QmpEnd, DestructionInACompletion,
                         ::testing::Values(EndedBy::deadline, EndedBy::cancellation, EndedBy::loss));

TEST(QmpEnd, TheClientMayBeDestroyedWhileItsEndIsExplained) {
  RawPeer peer;
  const auto io = IoThread::manual();
  std::unique_ptr<Client> client;
  std::vector<std::string> ran;
  const auto loss_cause = [&](Deadline) -> std::string {
    if (!client) return "";
    client.reset();
    ran.emplace_back("destroyed");
    return "";
  };
  client = connect_by_hand(peer, io,
                           {.on_lost = [&](const QmpError&) { ran.emplace_back("lost"); }, .loss_cause = loss_cause});
  for (const auto* const name : {"first", "second"}) {
    client->call_async({name}, in(plenty), [&ran, name](const Outcome&) { ran.emplace_back(name); });
  }
  peer.close();
  settle(*io);
  EXPECT_EQ(ran, (std::vector<std::string>{"first", "second", "lost", "destroyed"}));
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

}  // namespace
}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
// Ways in which clients of QMP are known to hang, spin, lose or invent something, each as a test that this one does
// not: what it does with its time, its threads and its peers.
#include "raw_peer.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/qmp/commands.hpp"

#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <future>
#include <thread>

namespace visor::sdk::qmp {
namespace {

TEST(Weakness, DeadlineRaceNeverBlocksTheReader) {
  // The answer lies in the socket when the caller leaves; the reader finds nobody to give it to.
  RawPeer peer;
  const auto io = IoThread::manual();
  const auto client = connect_by_hand(peer, io);
  settle(*io);
  for (CallId id = 2; id < 50; ++id) {
    peer.answer(id);
    EXPECT_EQ(client->call({"a"}, 1ms).error()->code, Errc::timeout);
  }
  settle(*io);
  EXPECT_EQ(client->counters().late, 48U);
  Promised call;
  peer.answer(client->call_async({"b"}, in(plenty), call.completion()));
  settle(*io);
  EXPECT_TRUE(call.get().ok());
}

TEST(Weakness, ACancelledCommandThatIsUnansweredLeavesTheReaderAtRest) {
  RawPeer peer;
  const auto io = IoThread::manual();
  const auto client = connect_by_hand(peer, io);
  Promised cancelled;
  Promised expired;
  client->cancel(client->call_async({"a"}, in(plenty), cancelled.completion()));
  client->call_async({"b"}, in(1ms), expired.completion());
  while (expired.count() == 0) io->run_ready();
  settle(*io);
  EXPECT_EQ(cancelled.count(), 1);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(io->run_ready(), 0U) << "it runs though nothing has happened";
}

TEST(Weakness, ALostSessionIsAtRestAndItsQueuesEnd) {
  RawPeer peer;
  const auto io = IoThread::manual();
  const auto client = connect_by_hand(peer, io);
  const auto events = client->subscribe();
  peer.close();
  settle(*io);
  EXPECT_EQ(client->state(), State::failed);
  EXPECT_FALSE(events->next(plenty));
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(io->run_ready(), 0U) << "it runs though nothing has happened";
}

TEST(Weakness, ASilentPeerDelaysNoOther) {
  // Both sessions are on one thread; one peer does not even read, and much is waiting for it.
  RawPeer frozen;
  frozen.negotiate();
  const auto stuck = Client::connect(frozen.take_client(), {}, plenty);
  std::vector<Promised> waiting(8);
  const auto big = Value::map({{"text", std::string(128U << 10U, 'x')}});
  for (auto& call : waiting) stuck->call_async({"big", big}, in(plenty), call.completion());
  FakeQmpServer server{ready_script().expect("query-status").reply()};
  const auto client = connect(server);
  EXPECT_TRUE(client->call({"query-status"}, plenty).ok());
  for (const auto& call : waiting) EXPECT_EQ(call.count(), 0);
}

TEST(Weakness, ALongQueueDelaysNoOther) {
  RawPeer peer;
  const auto io = IoThread::manual();
  const auto client = connect_by_hand(peer, io);
  constexpr std::uint64_t many = 1000;
  std::uint64_t sent_before = 0;
  client->call_async({"a"}, in(plenty), [&](const Outcome&) {
    io->post([&] { sent_before = client->counters().sent; });  // another session has its turn
    // What a callback sends is written when it has returned.
    for (std::uint64_t i = 0; i < many; ++i) client->call_async({"b"}, in(plenty), {});
  });
  peer.answer(2);
  settle(*io);
  EXPECT_GT(sent_before, 2U);
  EXPECT_LT(sent_before, many / 2);
  EXPECT_EQ(client->counters().sent, 2 + many);
}

/// Cancels a call once it is queued.
class CancelWhenQueued final : public QmpLog {
 public:
  [[nodiscard]] bool enabled(LogLevel) const noexcept override { return true; }
  void write(LogLevel, std::string_view text) noexcept override {
    if (text.find(" cancel-me ") != std::string_view::npos) source.cancel();
  }
  CancelSource source;
};

TEST(Weakness, TheCallerAloneDecidesHowLongItWaitsForAFullSocket) {
  RawPeer frozen;
  frozen.negotiate();
  const auto log = std::make_shared<CancelWhenQueued>();
  const auto client = Client::connect(frozen.take_client(), {.log = log}, plenty);
  Promised fill;
  const auto big = Value::map({{"text", std::string(1U << 20U, 'x')}});
  client->call_async({"big", big}, in(plenty / 2), fill.completion());
  EXPECT_EQ(client->call({"cancel-me"}, {in(plenty), log->source.token()}).error()->code, Errc::cancelled);
  EXPECT_EQ(client->call({"late"}, brief).error()->code, Errc::timeout);
  EXPECT_EQ(fill.count(), 0) << "the calls waited for longer than they were to";
}

TEST(Weakness, AListenerThatAcceptsLateIsWaitedFor) {
  // QEMU listens long before it looks at its monitor: who connects early keeps one connection and gets its greeting.
  std::string folder = (std::filesystem::temp_directory_path() / "visor-qmp-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const auto path = folder + "/qmp.sock";
  const UniqueFd listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  auto connecting = std::async(std::launch::async, [&] { return Client::connect(path, {}, plenty); });
  pollfd polled{listener.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&polled, 1, std::chrono::milliseconds{plenty}.count()), 1);
  RawPeer silent;  // in the time that one who is impatient needs to give up
  EXPECT_EQ(code_of([&] { (void)Client::connect(silent.take_client(), {}, brief); }), Errc::timeout);
  const UniqueFd connection{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  const std::string greeting = R"({"QMP":{"version":{"qemu":{"major":7}},"capabilities":[]}}{"return":{},"id":1})";
  ASSERT_EQ(::send(connection.get(), greeting.data(), greeting.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(greeting.size()));
  EXPECT_EQ(connecting.get()->state(), State::ready);
  EXPECT_EQ(::poll(&polled, 1, 0), 0) << "it connected more than once";
  std::filesystem::remove_all(folder);
}

TEST(Weakness, AFailedWriteEndsTheSessionForAllCalls) {
  // The peer closes its input alone: nothing tells of it but the write.
  RawPeer peer;
  peer.negotiate();
  const auto client = Client::connect(peer.take_client(), {}, plenty);
  Promised before;
  client->call_async({"a"}, in(plenty), before.completion());
  (void)peer.read_until("\"a\"");
  ASSERT_EQ(::shutdown(peer.fd(), SHUT_RD), 0);
  const auto outcome = client->call({"b"}, plenty);
  ASSERT_NE(outcome.error(), nullptr);
  EXPECT_EQ(outcome.error()->code, Errc::disconnected);
  EXPECT_NE(outcome.error()->message.find("broke: sending"), std::string::npos) << outcome.error()->message;
  EXPECT_EQ(before.get().error()->code, Errc::disconnected);
  EXPECT_EQ(client->call({"c"}, plenty).error()->code, Errc::disconnected);
}

TEST(Weakness, OnlyQuitTakesTheLossForSuccess) {
  // The peer goes without having read: the connection is reset, not closed.
  for (const bool quits : {true, false}) {
    RawPeer peer;
    peer.negotiate();
    const auto client = Client::connect(peer.take_client(), {}, plenty);
    auto asking = std::async(std::launch::async,
                             [&] { return code_of([&] { quits ? quit(*client, plenty) : stop(*client, plenty); }); });
    pollfd polled{peer.fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&polled, 1, std::chrono::milliseconds{plenty}.count()), 1);
    while (client->counters().sent < 2) std::this_thread::yield();
    peer.close();
    EXPECT_EQ(asking.get(), quits ? std::nullopt : std::optional{Errc::disconnected});
  }
}

TEST(Weakness, AShutdownUnderAFloodOfEventsEnds) {
  RawPeer peer;
  peer.negotiate();
  auto client = Client::connect(peer.take_client(), {}, plenty);
  int failure = 0;
  std::thread flood{[&] {
    const std::string event = R"({"event":"E","timestamp":{"seconds":1,"microseconds":1}})";
    while (::send(peer.fd(), event.data(), event.size(), MSG_NOSIGNAL) > 0) continue;
    failure = errno;
  }};
  const auto unread = client->subscribe({}, 1);
  while (unread->dropped() < 100) std::this_thread::yield();
  Promised unanswered;
  client->call_async({"a"}, in(plenty), unanswered.completion());
  client.reset();  // while more comes than it can read
  EXPECT_EQ(unanswered.count(), 1);
  EXPECT_EQ(unanswered.get().error()->message, "No answer to a: the QMP session was shut down");
  flood.join();
  EXPECT_TRUE(failure == EPIPE || failure == ECONNRESET) << failure;
  const auto dropped = unread->dropped();
  EXPECT_TRUE(unread->next(plenty));  // the one that it has a place for
  EXPECT_FALSE(unread->next(plenty));
  EXPECT_EQ(unread->dropped(), dropped);
}

}  // namespace
}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include "channel.hpp"
#include "support/unix_sockets.hpp"

#include <sys/socket.h>

#include <csignal>
#include <future>
#include <thread>
#include <tuple>
#include <vector>

namespace visor::sdk {
namespace {

// Peers of the keeper that do not keep to the protocol.
class PeersTest : public ProcessTest {
 protected:
  void SetUp() override {
    ProcessTest::SetUp();
    keeper_.emplace(launch(shell("read x; exit 8", true)));
  }
  void TearDown() override {
    EXPECT_TRUE(alive(keeper_->main_process().identity));
    EXPECT_EQ(keeper_->status(soon()).processes.size(), 1U);
    keeper_->kill(soon());
    keeper_.reset();
    ProcessTest::TearDown();
  }

  [[nodiscard]] UniqueFd connect() const { return connect_keeper(keeper_socket_path(dir_), SOCK_SEQPACKET, soon()); }
  static wire::Message ask(int fd, const std::string& text) {
    EXPECT_EQ(::send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    return await_message(fd, soon(), "answer").message.value_or(wire::Message{});
  }

  std::optional<Keeper> keeper_;
};

TEST_F(PeersTest, RefusesWhatIsNoMessage) {
  const auto peer = connect();
  const auto answer = ask(peer.get(), "=\n=\n\xff");
  EXPECT_EQ(answer.verb(), "error");
  EXPECT_EQ(answer.get("code"), "invalid_config");
  EXPECT_EQ(ask(peer.get(), "status\nid=5\n").get("id"), "5");  // the session goes on
}

TEST_F(PeersTest, RefusesWhatIsTooLong) {
  const auto peer = connect();
  EXPECT_EQ(ask(peer.get(), "status\nid=" + std::string(20'000, '1')).get("text"), "The request is too long");
}

TEST_F(PeersTest, RefusesUnknownRequests) {
  const auto peer = connect();
  const auto answer = ask(peer.get(), "dance\nid=3\n");
  EXPECT_EQ(answer.get("code"), "unsupported");
  EXPECT_EQ(answer.get("id"), "3");
}

TEST_F(PeersTest, RefusesStderrOfAStranger) {
  EXPECT_EQ(error_of([&] { std::ignore = keeper_->stderr_tail("nobody", soon()); }).code(), Errc::not_found);
}

TEST_F(PeersTest, AnAcknowledgementThatNobodyAskedForMeansNothing) {
  const auto peer = connect();
  ask(peer.get(), "hello\nid=1\nrole=owner\noperation=x\n");
  ASSERT_EQ(::send(peer.get(), "ack\n", 4, MSG_NOSIGNAL), 4);
  EXPECT_EQ(ask(peer.get(), "status\nid=1\n").get("stopping"), "0");
}

TEST_F(PeersTest, OneThatNeverReadsIsHarmless) {
  const auto peer = connect();
  const std::string request = "status\nid=1\n";
  // Its answers fill the socket; from then on nothing of it is read, so its requests fill up too.
  int sent = 0;
  while (::send(peer.get(), request.data(), request.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
    ASSERT_LT(++sent, 100'000);
    if (sent % 10 == 0) {
      EXPECT_FALSE(keeper_->status(soon()).stopping);
    }
  }
  EXPECT_FALSE(keeper_->status(soon()).stopping);
}

TEST_F(PeersTest, TooManySessionsAreTurnedAwayAndTheOthersStay) {
  std::vector<UniqueFd> peers;
  for (int i = 0; i < 80; ++i) peers.push_back(connect());
  EXPECT_EQ(ask(peers.front().get(), "status\nid=1\n").verb(), "status");
  const auto last = await_message(peers.back().get(), soon(), "refusal");
  EXPECT_EQ(last.message.value_or(wire::Message{}).get("code"), "exhausted");
  EXPECT_TRUE(await_message(peers.back().get(), soon(), "end").end);
  // Not as if the keeper had died.
  EXPECT_EQ(error_of([&] { (void)Keeper::attach(dir_, soon()); }).code(), Errc::exhausted);
  EXPECT_EQ(error_of([&] { (void)keeper_->status(soon()); }).code(), Errc::exhausted);
  EXPECT_EQ(error_of([&] { (void)keeper_->stop({}, soon()); }).code(), Errc::exhausted);
  peers.erase(peers.begin() + 1, peers.end());
  EXPECT_EQ(ask(peers.front().get(), "status\nid=1\n").verb(), "status");  // by then it has seen the others go
}

/// The keeper turns it away only when all that opening a journal has to send is sent.
TEST_F(PeersTest, AFollowerThatIsTurnedAwayIsToldSo) {
  std::vector<UniqueFd> peers;
  for (int i = 0; i < 80; ++i) peers.push_back(connect());
  EXPECT_TRUE(await_message(peers.back().get(), soon(), "refusal").message);
  const auto keeper = keeper_->identity();
  ASSERT_TRUE(send_signal(keeper, SIGSTOP));
  const auto before = test::sockets_at(keeper_socket_path(dir_));
  auto error = std::async(std::launch::async,
                          [this] { return error_of([this] { (void)JournalStream::open(dir_, 1, soon()); }); });
  while (test::sockets_at(keeper_socket_path(dir_)) == before) std::this_thread::yield();
  ASSERT_TRUE(send_signal(keeper, SIGCONT));
  EXPECT_EQ(error.get().code(), Errc::exhausted);
  peers.erase(peers.begin() + 1, peers.end());
  EXPECT_EQ(ask(peers.front().get(), "status\nid=1\n").verb(), "status");  // by then it has seen the others go
}

TEST_F(PeersTest, ConsoleClientsOverTheLimitAreTurnedAway) {
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 40; ++i) clients.push_back(connect_console(dir_, soon()));
  EXPECT_EQ(read_all(clients.back().get()), "");
  EXPECT_EQ(keeper_->status(soon()).console_clients, 32U);
}

TEST_F(PeersTest, AFloodOfSessionsLeavesNothing) {
  for (int i = 0; i < 300; ++i) {
    const auto peer = connect();
    ::send(peer.get(), "journal\nfollow=1\n", 17, MSG_NOSIGNAL);
  }
  EXPECT_EQ(keeper_->status(soon()).processes.size(), 1U);
}

}  // namespace
}  // namespace visor::sdk

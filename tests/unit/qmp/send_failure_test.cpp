// SPDX-License-Identifier: Apache-2.0
// What the kernel refuses to send. This program's sendmsg() stands before the library's, and fails when it is told to.
#include "raw_peer.hpp"

#include <dlfcn.h>
#include <fcntl.h>

#include <atomic>
#include <cerrno>

namespace {

std::atomic<int> failure{0};
std::atomic<int> failures{0};          // how often it still fails
std::atomic<bool> descriptors{false};  // only with a descriptor

void fail_sends(int error, int times, bool with_descriptor = false) {
  failure = error;
  descriptors = with_descriptor;
  failures = times;
}

}  // namespace

extern "C" ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static const auto real = reinterpret_cast<decltype(&sendmsg)>(::dlsym(RTLD_NEXT, "sendmsg"));
  if (failures > 0 && (!descriptors || message->msg_controllen > 0)) {
    --failures;
    errno = failure;
    return -1;
  }
  return real(fd, message, flags);
}

namespace visor::sdk::qmp {
namespace {

class QmpSendFailure : public ::testing::Test {
 protected:
  void TearDown() override { fail_sends(0, 0); }
  /// Runs the client until so many commands were sent, the negotiation with them.
  void run_until_sent(std::uint64_t count) {
    const auto until = in(plenty);
    while (client->counters().sent < count && std::chrono::steady_clock::now() < until) io->run_ready();
    ASSERT_EQ(client->counters().sent, count);
  }

  RawPeer peer;
  std::shared_ptr<IoThread> io = IoThread::manual();
  std::unique_ptr<Client> client = connect_by_hand(peer, io);
};

TEST_F(QmpSendFailure, WaitsForMemoryAndLosesNothing) {
  for (const int error : {ENOBUFS, ENOMEM}) {
    const auto sent = client->counters().sent;
    fail_sends(error, 3);
    Promised call;
    const auto id = client->call_async({"a"}, in(plenty), call.completion());
    EXPECT_EQ(client->counters().sent, sent);
    run_until_sent(sent + 1);
    peer.answer(id);
    settle(*io);
    ASSERT_EQ(call.count(), 1);
    EXPECT_TRUE(call.get().ok());
  }
}

TEST_F(QmpSendFailure, ACallEndsAtItsDeadlineWhileThereIsNoMemory) {
  fail_sends(ENOBUFS, 1'000'000);
  Promised call;
  client->call_async({"a"}, in(brief), call.completion());
  while (call.count() == 0) io->run_ready();
  const auto outcome = call.get();
  EXPECT_EQ(outcome.error()->code, Errc::timeout);
  EXPECT_TRUE(outcome.error()->unsent);
  EXPECT_EQ(client->state(), State::ready);
  fail_sends(0, 0);
  client->call_async({"b"}, in(plenty), {});
  run_until_sent(2);
  EXPECT_EQ(peer.read_until("\"b\"").find("\"a\""), std::string::npos);
}

TEST_F(QmpSendFailure, ADescriptorThatCannotBePassedFailsItsCallAlone) {
  const UniqueFd file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  for (const auto& [error, code] : {std::pair{ETOOMANYREFS, Errc::exhausted}, std::pair{EINVAL, Errc::io_error}}) {
    const auto sent = client->counters().sent;
    fail_sends(error, 1, true);
    Promised refused;
    Promised taken;
    client->call_async({.name = "getfd", .fd = file.get()}, in(plenty), refused.completion());
    const auto id = client->call_async({.name = "getfd", .fd = file.get()}, in(plenty), taken.completion());
    run_until_sent(sent + 1);
    peer.answer(id);
    settle(*io);
    ASSERT_EQ(refused.count(), 1);
    const auto outcome = refused.get();
    EXPECT_EQ(outcome.error()->code, code);
    EXPECT_TRUE(outcome.error()->unsent);
    EXPECT_TRUE(outcome.error()->message.starts_with("Cannot send getfd to QEMU: its descriptor cannot be passed: "));
    ASSERT_EQ(taken.count(), 1);
    EXPECT_TRUE(taken.get().ok());
  }
}

TEST_F(QmpSendFailure, AnyOtherFailureEndsTheSession) {
  fail_sends(EINVAL, 1);  // without a descriptor
  Promised call;
  client->call_async({"a"}, in(plenty), call.completion());
  settle(*io);
  ASSERT_EQ(call.count(), 1);
  EXPECT_EQ(call.get().error()->code, Errc::disconnected);
}

}  // namespace
}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/io_thread.hpp"

#include "qmp_test_support.hpp"
#include "visor/core/unique_fd.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <thread>

namespace visor::sdk {
namespace {

using qmp::brief;
using qmp::code_of;
using qmp::in;
using qmp::plenty;
using namespace std::chrono_literals;

struct Pair {
  UniqueFd near;
  UniqueFd far;
};

Pair make_pair() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

void put(const UniqueFd& fd, std::string_view text) {
  EXPECT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

char take(const UniqueFd& fd) {
  char c = '-';
  EXPECT_EQ(::read(fd.get(), &c, 1), 1);
  return c;
}

TEST(IoThread, IsSharedByItsUsersAndGoneWithTheLast) {
  auto first = IoThread::shared();
  auto second = IoThread::shared();
  EXPECT_EQ(first, second);
  const std::weak_ptr<IoThread> weak = first;
  first.reset();
  EXPECT_FALSE(weak.expired());
  second.reset();
  EXPECT_TRUE(weak.expired());
  std::promise<void> ran;
  const auto next = IoThread::shared();
  next->post([&] { ran.set_value(); });
  EXPECT_EQ(ran.get_future().wait_for(plenty), std::future_status::ready);
}

TEST(IoThread, RunsPostedFunctionsInOrderOnItself) {
  const auto io = IoThread::shared();
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) io->post([&order, i] { order.push_back(i); });
  bool there = false;
  io->run_and_wait([&] { there = io->on_this_thread(); });
  EXPECT_TRUE(there);
  EXPECT_FALSE(io->on_this_thread());
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(IoThread, TakesNoSignals) {
  const auto io = IoThread::shared();
  sigset_t blocked;
  io->run_and_wait([&] { ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked); });
  EXPECT_EQ(::sigismember(&blocked, SIGTERM), 1);
  EXPECT_EQ(::sigismember(&blocked, SIGCHLD), 1);
  ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  EXPECT_EQ(::sigismember(&blocked, SIGTERM), 0);  // the caller's own mask is as it was
}

TEST(IoThread, CountsWhatFunctionsThrow) {
  const auto io = IoThread::shared();
  io->post([] { throw std::runtime_error("boom"); });
  io->run_and_wait([] {});
  EXPECT_EQ(io->failures(), 1U);
}

TEST(IoThread, MayBeLetGoOfOnItself) {
  auto io = IoThread::shared();
  std::promise<void> gone;
  std::promise<void> handed_over;
  io->post([&gone, held = io, ready = handed_over.get_future().share()]() mutable {
    ready.wait_for(plenty);
    held.reset();  // the last reference, apart from the one in the function itself
    gone.set_value();
  });
  const std::weak_ptr<IoThread> weak = io;
  io.reset();
  handed_over.set_value();
  EXPECT_EQ(gone.get_future().wait_for(plenty), std::future_status::ready);
  // The function is destroyed on the thread after it ran: only then is the last reference gone.
  while (!weak.expired()) std::this_thread::yield();
}

TEST(IoThread, WorksInTheHandsOfATestWithoutAThread) {
  const auto io = IoThread::manual();
  int runs = 0;
  io->post([&] { runs += io->on_this_thread() ? 1 : 100; });
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(io->run_ready(), 1U);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(io->run_ready(), 0U);
}

TEST(FdWatch, CallsAgainWhileInputIsLeft) {
  const auto io = IoThread::manual();
  const auto pair = make_pair();
  std::string seen;
  const auto watch = io->watch_readable(pair.near.get(), [&] { seen += take(pair.near); });
  EXPECT_EQ(io->run_ready(), 0U);
  put(pair.far, "abc");
  io->run_ready();
  EXPECT_EQ(seen, "abc");
  put(pair.far, "d");
  io->run_ready();
  EXPECT_EQ(seen, "abcd");
}

TEST(FdWatch, ReportsTheEndOfThePeer) {
  const auto io = IoThread::manual();
  auto pair = make_pair();
  int calls = 0;
  FdWatch watch;
  watch = io->watch_readable(pair.near.get(), [&] {
    ++calls;
    watch.reset();
  });
  pair.far.reset();
  io->run_ready();
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(watch);
}

TEST(FdWatch, LetsTheDescriptorBeReusedAtOnce) {
  const auto io = IoThread::manual();
  auto pair = make_pair();
  std::string seen;
  auto watch = io->watch_readable(pair.near.get(), [&] { seen += 'x'; });
  put(pair.far, "1");
  watch.reset();
  const int number = pair.near.get();
  pair.near.reset();
  auto other = make_pair();
  ASSERT_EQ(other.near.get(), number);
  const auto second = io->watch_readable(number, [&] { seen += take(other.near); });
  put(other.far, "y");
  io->run_ready();
  EXPECT_EQ(seen, "y");
}

TEST(FdWatch, WaitsForARunningCallbackWhenResetElsewhere) {
  const auto io = IoThread::shared();
  const auto pair = make_pair();
  std::promise<void> inside;
  std::promise<void> go_on;
  std::atomic<bool> over{false};
  auto watch = io->watch_readable(pair.near.get(), [&] {
    (void)take(pair.near);
    inside.set_value();
    go_on.get_future().wait_for(plenty);
    over = true;
  });
  put(pair.far, "a");
  ASSERT_EQ(inside.get_future().wait_for(plenty), std::future_status::ready);
  std::thread releaser{[&] { go_on.set_value(); }};
  watch.reset();
  EXPECT_TRUE(over);
  releaser.join();
}

TEST(FdWatch, TellsOnceWhenOutputIsTaken) {
  const auto io = IoThread::manual();
  const auto pair = make_pair();
  auto watch = io->watch_readable(pair.near.get(), [] {});
  const std::string block(4096, 'x');
  while (::send(pair.near.get(), block.data(), block.size(), MSG_DONTWAIT) > 0) continue;
  int calls = 0;
  watch.when_writable([&] { ++calls; });
  io->run_ready();
  EXPECT_EQ(calls, 0);
  std::string drained(1U << 20U, '\0');
  ASSERT_GT(::recv(pair.far.get(), drained.data(), drained.size(), 0), 0);
  while (::recv(pair.far.get(), drained.data(), drained.size(), MSG_DONTWAIT) > 0) continue;
  io->run_ready();
  io->run_ready();
  EXPECT_EQ(calls, 1);
}

TEST(FdWatch, RefusesARegularFile) {
  const auto io = IoThread::manual();
  const UniqueFd file{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
  EXPECT_EQ(code_of([&] { (void)io->watch_readable(file.get(), [] {}); }), Errc::io_error);
  EXPECT_EQ(code_of([&] { (void)io->watch_readable(-1, [] {}); }), Errc::io_error);
}

TEST(FdWatch, MayOutliveItsIoThread) {
  auto io = IoThread::shared();
  const auto pair = make_pair();
  auto watch = io->watch_readable(pair.near.get(), [] {});
  auto timer = io->timer([] {});
  timer.set(in(plenty));
  io.reset();
  watch.reset();
  timer.reset();
}

TEST(Timer, RunsOnceAtItsTime) {
  const auto io = IoThread::shared();
  std::promise<Deadline> ran;
  auto timer = io->timer([&] { ran.set_value(std::chrono::steady_clock::now()); });
  const auto when = in(brief);
  timer.set(when);
  auto future = ran.get_future();
  ASSERT_EQ(future.wait_for(plenty), std::future_status::ready);
  EXPECT_GE(future.get(), when);
}

TEST(Timer, ForgetsAnEarlierTime) {
  const auto io = IoThread::manual();
  int runs = 0;
  auto timer = io->timer([&] { ++runs; });
  timer.set(in(-1s));
  timer.set(in(plenty));
  io->run_ready();
  EXPECT_EQ(runs, 0);
  timer.set(in(-1s));
  timer.cancel();
  io->run_ready();
  EXPECT_EQ(runs, 0);
  timer.set(in(-1s));
  io->run_ready();
  io->run_ready();
  EXPECT_EQ(runs, 1);
}

TEST(IoThread, IsNewInAForkedChildWhereTheOldObjectsDoNothing) {
  auto io = IoThread::shared();
  const auto pair = make_pair();
  std::promise<char> seen;
  auto watch = io->watch_readable(pair.near.get(), [&] { seen.set_value(take(pair.near)); });
  qmp::Parking parking;
  io->post([&] { parking.park(); });
  ASSERT_TRUE(parking.wait_parked());
  const auto child = ::fork();
  if (child == 0) {
    const auto own = IoThread::shared();
    bool ran = false;
    own->run_and_wait([&] { ran = true; });
    io->run_and_wait([] { ::_exit(2); });  // returns at once: its thread is not here
    watch.reset();
    io.reset();
    ::_exit(ran ? 0 : 1);
  }
  parking.release();
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  put(pair.far, "p");  // what the child dropped still works here
  auto future = seen.get_future();
  ASSERT_EQ(future.wait_for(plenty), std::future_status::ready);
  EXPECT_EQ(future.get(), 'p');
}

}  // namespace
}  // namespace visor::sdk

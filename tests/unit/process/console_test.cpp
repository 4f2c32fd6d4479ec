// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include <sys/resource.h>
#include <sys/socket.h>

#include <optional>
#include <thread>
#include <vector>

namespace visor::sdk {
namespace {

using ConsoleTest = ProcessTest;

TEST_F(ConsoleTest, GivesTheHistoryAndThenLiveBytes) {
  auto keeper = launch(shell("echo booting; read x; echo got $x; read y", true));
  while (keeper.status(soon()).console_bytes == 0) std::this_thread::yield();
  const auto console = connect_console(dir_, soon());
  EXPECT_EQ(read_until(console.get(), "booting\n"), "booting\n");
  write_all(console.get(), "word\n");
  EXPECT_EQ(read_until(console.get(), "got word\n"), "got word\n");
  keeper.kill(soon());
  EXPECT_EQ(read_all(console.get()), "");
}

TEST_F(ConsoleTest, ServesTwoClientsTheSame) {
  auto keeper = launch(shell("exec cat", true));
  const auto one = connect_console(dir_, soon());
  const auto two = connect_console(dir_, soon());
  write_all(one.get(), "from one\n");
  EXPECT_EQ(read_until(one.get(), "\n"), "from one\n");
  EXPECT_EQ(read_until(two.get(), "\n"), "from one\n");
  write_all(two.get(), "from two\n");
  EXPECT_EQ(read_until(one.get(), "\n"), "from two\n");
  EXPECT_EQ(read_until(two.get(), "\n"), "from two\n");
  EXPECT_EQ(keeper.status(soon()).console_clients, 2U);
  keeper.kill(soon());
}

TEST_F(ConsoleTest, ASlowClientSkipsBytesAndStopsNobody) {
  auto keeper = launch(shell("read x; head -c 3000000 /dev/zero | tr '\\0' x; echo done; read y", true));
  const auto slow = connect_console(dir_, soon());
  auto fast = connect_console(dir_, soon());
  write_all(fast.get(), "\n");
  read_until(fast.get(), "done\n");
  const auto text = read_until(slow.get(), "done\n");
  EXPECT_NE(text.find("bytes skipped]"), std::string::npos);
  EXPECT_LT(text.size(), 3000000U);
  keeper.kill(soon());
}

TEST_F(ConsoleTest, NobodyNeedsToReadForTheGuestToGoOn) {
  auto spec = shell("head -c 3000000 /dev/zero | tr '\\0' x; echo done", true);
  spec.watch.console.capture = {8192, file("console.log"), 64 * 1024};
  auto keeper = launch(spec);
  EXPECT_EQ(expect_exit(keeper).status.value, 0);
  const auto log = read_file(file("console.log"));
  EXPECT_LE(log.size() + read_file(file("console.log.1")).size(), 64U * 1024);
  EXPECT_TRUE(log.ends_with("xxdone\n"));
}

TEST_F(ConsoleTest, AClientGetsTheLastWordsBeforeTheEnd) {
  auto keeper = launch(shell("read x; echo panic; exit 1", true));
  const auto console = connect_console(dir_, soon());
  write_all(console.get(), "\n");
  EXPECT_EQ(read_all(console.get()), "panic\n");
  expect_exit(keeper);
}

TEST_F(ConsoleTest, WhatALeavingClientWroteStillArrives) {
  auto keeper = launch(shell("read x; exit $x", true));
  {
    const auto console = connect_console(dir_, soon());
    write_all(console.get(), "42\n");
  }
  EXPECT_EQ(expect_exit(keeper).status.value, 42);
}

TEST_F(ConsoleTest, AClientThatHalfClosesStillReads) {
  auto keeper = launch(shell("read x; echo answer; read y", true));
  const auto console = connect_console(dir_, soon());
  write_all(console.get(), "question\n");
  ::shutdown(console.get(), SHUT_WR);
  EXPECT_EQ(read_until(console.get(), "\n"), "answer\n");
  keeper.kill(soon());
}

TEST_F(ConsoleTest, AGuestThatReadsNothingBlocksItsWriterAlone) {
  auto keeper = launch(shell("exec sleep 1000", true));
  const auto console = connect_console(dir_, soon());
  const std::string block(64 * 1024, 'x');
  // Everything on the way has a bound, so this socket must fill up.
  std::size_t sent = 0;
  for (int full = 0; full < 100;) {
    const auto done = ::send(console.get(), block.data(), block.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (done > 0) sent += static_cast<std::size_t>(done);
    full = done > 0 ? 0 : full + 1;
    if (done <= 0) {
      EXPECT_FALSE(keeper.status(soon()).stopping);  // the keeper answers all the while
    }
    ASSERT_LT(sent, 16U * 1024 * 1024);
  }
  EXPECT_GT(sent, 0U);
  keeper.kill(soon());
}

TEST_F(ConsoleTest, ConnectsToAListenerThatItMadeForTheProcess) {
  auto spec = probe({"serve", "4"});
  spec.main.fds = {{4, FdSource::listener, file("c"), -1}};
  spec.watch.console.connect_path = file("c");
  auto keeper = launch(spec);
  const auto console = connect_console(dir_, soon());
  read_until(console.get(), "hello\n");
  write_all(console.get(), "ping\n");
  EXPECT_EQ(read_until(console.get(), "ping\n"), "ping\n");
  EXPECT_TRUE(keeper.status(soon()).console_connected);
  keeper.kill(soon());
}

TEST_F(ConsoleTest, WithoutAConsoleThereIsNoSocket) {
  auto keeper = launch(shell("exec sleep 1000"));
  EXPECT_EQ(error_of([&] { connect_console(dir_, soon()); }).code(), Errc::not_found);
  keeper.kill(soon());
}

TEST_F(ConsoleTest, RunningOutOfDescriptorsPasses) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{32, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  auto keeper = launch(shell("exec cat", true));
  ::setrlimit(RLIMIT_NOFILE, &before);
  std::vector<UniqueFd> clients;
  try {
    for (int i = 0; i < 60; ++i) clients.push_back(connect_console(dir_, std::chrono::steady_clock::now()));
    ADD_FAILURE() << "the keeper was never short of descriptors";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::timeout);
  }
  clients.clear();
  const auto console = connect_console(dir_, soon());
  write_all(console.get(), "still here\n");
  read_until(console.get(), "still here\n");
  keeper.kill(soon());
}

TEST_F(ConsoleTest, ManyClientsComeAndGo) {
  auto keeper = launch(shell("exec cat", true));
  for (int i = 0; i < 100; ++i) {
    const auto console = connect_console(dir_, soon());
    write_all(console.get(), "x\n");
    read_until(console.get(), "x\n");
  }
  keeper.kill(soon());
}

}  // namespace
}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

namespace visor::sdk {
namespace {

using ConsoleTest = ProcessTest;

/// Everything on the way to a guest has a bound, so it must fill up. Returns how much went in.
std::size_t fill(int console, Keeper& keeper, Deadline deadline) {
  const std::string block(64 * 1024, 'x');
  std::size_t sent = 0;
  for (int full = 0; full < 100;) {
    const auto done = ::send(console, block.data(), block.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (done > 0) sent += static_cast<std::size_t>(done);
    full = done > 0 ? 0 : full + 1;
    if (done <= 0) {
      EXPECT_FALSE(keeper.status(deadline).stopping);  // the keeper answers all the while
    }
    if (sent > std::size_t{16} << 20U) break;
  }
  return sent;
}

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

TEST_F(ConsoleTest, WhatALeavingClientWroteArrivesThoughItReadNothing) {
  auto keeper = launch(shell("echo booting; read x; exit $x", true));
  while (keeper.status(soon()).console_bytes == 0) std::this_thread::yield();
  const auto self = keeper.status(soon()).keeper;
  ASSERT_TRUE(send_signal(self, SIGSTOP));  // it finds a client that has come, written and gone
  {
    const auto console = connect_console(dir_, soon());
    write_all(console.get(), "42\n");
  }
  ASSERT_TRUE(send_signal(self, SIGCONT));
  EXPECT_EQ(expect_exit(keeper).status.value, 42);
}

TEST_F(ConsoleTest, AClientThatReadsNothingStillWrites) {
  auto keeper = launch(shell("echo booting; read x; echo got; read y; exit $((x + y))", true));
  while (keeper.status(soon()).console_bytes == 0) std::this_thread::yield();
  const auto reader = connect_console(dir_, soon());
  const auto writer = connect_console(dir_, soon());
  ::shutdown(writer.get(), SHUT_RD);
  write_all(writer.get(), "40\n");
  read_until(reader.get(), "got\n");
  write_all(writer.get(), "2\n");
  EXPECT_EQ(expect_exit(keeper).status.value, 42);
}

TEST_F(ConsoleTest, WhatALeavingClientWroteWaitsForAGuestThatIsBusy) {
  ASSERT_EQ(::mkfifo(file("go").c_str(), 0600), 0);
  auto keeper = launch(shell("read n < " + file("go") + "; head -c $n > /dev/null; exit 42", true));
  std::size_t sent = 0;
  {
    const auto console = connect_console(dir_, soon());
    sent = fill(console.get(), keeper, soon());
  }
  EXPECT_EQ(keeper.status(soon()).console_clients, 1U);  // it has left, but it is not forgotten
  std::ofstream(file("go")) << sent << '\n';
  EXPECT_EQ(expect_exit(keeper).status.value, 42);
}

TEST_F(ConsoleTest, ThoseThatLeftKeepNobodyOut) {
  auto keeper = launch(shell("echo booting; exec sleep 1000", true));
  while (keeper.status(soon()).console_bytes == 0) std::this_thread::yield();
  {
    const auto console = connect_console(dir_, soon());
    fill(console.get(), keeper, soon());
  }
  for (int i = 0; i < 40; ++i) {
    const auto console = connect_console(dir_, soon());
    EXPECT_EQ(read_until(console.get(), "booting\n"), "booting\n");
    write_all(console.get(), "x\n");
  }
  EXPECT_EQ(keeper.status(soon()).console_clients, 32U);
  keeper.kill(soon());
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
  const auto sent = fill(console.get(), keeper, soon());
  EXPECT_GT(sent, 0U);
  EXPECT_LT(sent, 16U * 1024 * 1024);
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

// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include "unix_socket.hpp"

#include <sys/socket.h>

#include <thread>

namespace visor::sdk {
namespace {

// The test itself is the monitor of the "hypervisor".
class JournalTest : public ProcessTest {
 protected:
  void SetUp() override {
    ProcessTest::SetUp();
    listener_ = std::move(wire::listen_unix(file("monitor"), SOCK_STREAM).fd);
  }
  void TearDown() override {
    monitor_.reset();
    listener_.reset();
    ProcessTest::TearDown();
  }

  Keeper start(std::uint32_t ring_bytes = 256 * 1024) {
    auto spec = shell("read x", true);
    spec.watch.journal.sources = {{"qmp", file("monitor"), "{\"execute\":\"qmp_capabilities\"}\n"}};
    spec.watch.journal.ring_bytes = ring_bytes;
    auto keeper = launch(spec);
    accept_keeper();
    return keeper;
  }

  void accept_keeper() {
    EXPECT_EQ(Pidfd(UniqueFd(::dup(listener_.get()))).wait_end(soon()), true);  // readable: somebody waits
    monitor_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    EXPECT_EQ(read_until(monitor_.get(), "\n"), "{\"execute\":\"qmp_capabilities\"}\n");
  }

  Journal wait_for_lines(const Keeper& keeper, std::uint64_t next) {
    auto journal = keeper.journal(1, soon());
    while (journal.next < next) journal = keeper.journal(1, soon());
    return journal;
  }

  UniqueFd listener_;
  UniqueFd monitor_;
};

TEST_F(JournalTest, NumbersLinesThatCameInPieces) {
  auto keeper = start();
  for (const auto* piece : {"{\"QMP\"", ": 1}\r\n{\"ev", "ent\":", "\"A\"}\n\nthird"}) write_all(monitor_.get(), piece);
  write_all(monitor_.get(), " line\n");
  const auto journal = wait_for_lines(keeper, 5);
  ASSERT_EQ(journal.entries.size(), 4U);
  EXPECT_EQ(journal.entries[0].line, "{\"QMP\": 1}");
  EXPECT_EQ(journal.entries[1].line, "{\"event\":\"A\"}");
  EXPECT_EQ(journal.entries[2].line, "");
  EXPECT_EQ(journal.entries[3].line, "third line");
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_EQ(journal.entries[i].sequence, i + 1);
  EXPECT_EQ(journal.entries[0].source, "qmp");
  EXPECT_GT(journal.entries[0].time_us, 1'600'000'000'000'000U);
  EXPECT_FALSE(journal.entries[0].truncated);
  EXPECT_EQ(journal.lost, 0U);
  keeper.kill(soon());
}

TEST_F(JournalTest, ReadsFromANumberOn) {
  auto keeper = start();
  write_all(monitor_.get(), "a\nb\nc\n");
  wait_for_lines(keeper, 4);
  const auto journal = keeper.journal(3, soon());
  ASSERT_EQ(journal.entries.size(), 1U);
  EXPECT_EQ(journal.entries[0].line, "c");
  EXPECT_EQ(keeper.journal(journal.next, soon()).entries.size(), 0U);
  keeper.kill(soon());
}

TEST_F(JournalTest, CutsALineOverTheLimitAndMarksIt) {
  auto keeper = start();
  write_all(monitor_.get(), std::string(70'000, 'x') + "\r\nnext\n");
  const auto journal = wait_for_lines(keeper, 3);
  ASSERT_EQ(journal.entries.size(), 2U);
  EXPECT_TRUE(journal.entries[0].truncated);
  EXPECT_EQ(journal.entries[0].line, std::string(64 * 1024, 'x'));
  EXPECT_FALSE(journal.entries[1].truncated);
  EXPECT_EQ(journal.entries[1].line, "next");
  keeper.kill(soon());
}

TEST_F(JournalTest, KeepsBytesThatAreNoText) {
  auto keeper = start();
  const std::string line("\x01\\\xff\0=\x7f", 6);
  write_all(monitor_.get(), line + "\n");
  EXPECT_EQ(wait_for_lines(keeper, 2).entries.at(0).line, line);
  keeper.kill(soon());
}

TEST_F(JournalTest, DropsTheOldestAndCountsThem) {
  auto keeper = start(16 * 1024);
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "line " + std::to_string(i) + "\n";
  write_all(monitor_.get(), text);
  const auto journal = wait_for_lines(keeper, 1001);
  EXPECT_EQ(journal.next, 1001U);
  EXPECT_EQ(journal.lost + journal.entries.size(), 1000U);
  EXPECT_GT(journal.lost, 0U);
  ASSERT_FALSE(journal.entries.empty());
  EXPECT_EQ(journal.entries.back().line, "line 999");
  EXPECT_EQ(journal.entries.front().sequence, journal.lost + 1);
  keeper.kill(soon());
}

TEST_F(JournalTest, FollowsLive) {
  auto keeper = start();
  write_all(monitor_.get(), "old\n");
  wait_for_lines(keeper, 2);
  auto stream = JournalStream::open(dir_, 1, soon());
  EXPECT_EQ(stream.next(soon()).value_or(JournalEntry{}).line, "old");
  write_all(monitor_.get(), "new\n");
  const auto entry = stream.next(soon());
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->line, "new");
  EXPECT_EQ(entry->sequence, 2U);
  EXPECT_FALSE(stream.next(std::chrono::steady_clock::now()));
  EXPECT_EQ(stream.lost(), 0U);
  keeper.kill(soon());
  EXPECT_EQ(error_of([&] { stream.next(soon()); }).code(), Errc::disconnected);
}

TEST_F(JournalTest, ASlowFollowerLosesLinesAndIsTold) {
  auto keeper = start(64 * 1024);
  auto stream = JournalStream::open(dir_, 1, soon());
  const std::string line = std::string(1000, 'y') + "\n";
  for (int i = 0; i < 2000; ++i) write_all(monitor_.get(), line);
  wait_for_lines(keeper, 2001);
  std::uint64_t last = 0;
  std::uint64_t count = 0;
  while (last < 2000) {
    const auto entry = stream.next(soon());
    ASSERT_TRUE(entry);
    EXPECT_GT(entry->sequence, last);
    last = entry->sequence;
    ++count;
  }
  EXPECT_GT(stream.lost(), 0U);
  EXPECT_EQ(stream.lost() + count, 2000U);
  keeper.kill(soon());
}

TEST_F(JournalTest, ConnectsAgainWhenTheMonitorCloses) {
  auto keeper = start();
  write_all(monitor_.get(), "one\nhalf");
  wait_for_lines(keeper, 2);
  monitor_.reset();
  accept_keeper();
  write_all(monitor_.get(), "two\n");
  const auto journal = wait_for_lines(keeper, 4);
  EXPECT_EQ(journal.entries.at(1).line, "half");
  EXPECT_TRUE(journal.entries.at(1).truncated);
  EXPECT_EQ(journal.entries.at(2).line, "two");
  keeper.kill(soon());
}

TEST_F(JournalTest, PutsTheLastLinesInTheExitRecord) {
  auto keeper = start();
  std::string text;
  for (int i = 0; i < 20; ++i) text += "event " + std::to_string(i) + " \\ = \n";
  write_all(monitor_.get(), text + std::string(5000, 'z') + "\n");
  wait_for_lines(keeper, 22);
  const auto record = keeper.kill(soon());
  ASSERT_EQ(record.last_lines.size(), 8U);
  EXPECT_EQ(record.last_lines[6].line, "event 19 \\ = ");
  EXPECT_EQ(record.last_lines[6].sequence, 20U);
  EXPECT_EQ(record.last_lines[7].line.size(), 1024U);
  EXPECT_TRUE(record.last_lines[7].truncated);
  EXPECT_EQ(read_exit_record(dir_).value_or(ExitRecord{}).last_lines.size(), 8U);
}

TEST_F(JournalTest, WaitsForASocketThatTheProcessMakesLater) {
  auto spec = shell("read x", true);
  spec.watch.journal.sources = {{"late", file("late"), "hi\n"}};
  auto keeper = launch(spec);
  const auto late = wire::listen_unix(file("late"), SOCK_STREAM);
  ASSERT_EQ(late.error, 0);
  ASSERT_TRUE(Pidfd(UniqueFd(::dup(late.fd.get()))).wait_end(soon()));
  const UniqueFd peer(::accept4(late.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_EQ(read_until(peer.get(), "\n"), "hi\n");
  keeper.kill(soon());
}

}  // namespace
}  // namespace visor::sdk

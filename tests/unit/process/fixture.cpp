// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include "support/left_over.hpp"
#include "visor/sdk/process/reaper.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace visor::sdk {
namespace {

namespace fs = std::filesystem;

bool readable(int fd, Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  pollfd polled{fd, POLLIN, 0};
  return left > 0 && ::poll(&polled, 1, static_cast<int>(left)) == 1;
}

}  // namespace

void ProcessTest::SetUp() {
  test::adopt_orphans();
  std::string pattern = "/tmp/visor-XXXXXX";
  ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
  dir_ = pattern;
  fds_before_ = test::open_fds();
}

void ProcessTest::TearDown() {
  reap_left_over();
  EXPECT_EQ(test::left_processes(std::chrono::seconds(20)), std::vector<std::string>{});
  EXPECT_EQ(reap_left_over(), 0U);
  EXPECT_EQ(test::open_fds(), fds_before_) << "a descriptor was left open";
  fs::remove_all(dir_);
}

Deadline ProcessTest::soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(20); }

LaunchOptions ProcessTest::options() const { return {VISOR_TEST_KEEPER, dir_, soon()}; }

ProcessSpec ProcessTest::shell_process(const std::string& name, const std::string& script) {
  ProcessSpec spec;
  spec.name = name;
  spec.argv = {"/bin/sh", "-c", script};
  spec.env = {"PATH=/usr/bin:/bin"};
  return spec;
}

KeeperSpec ProcessTest::shell(const std::string& script, bool console) {
  KeeperSpec spec;
  spec.main = shell_process("main", script);
  if (console) spec.main.fds = {{0, FdSource::console, {}, -1}, {1, FdSource::console, {}, -1}};
  return spec;
}

KeeperSpec ProcessTest::probe(std::vector<std::string> arguments) {
  KeeperSpec spec;
  spec.main.name = "main";
  spec.main.argv = std::move(arguments);
  spec.main.argv.insert(spec.main.argv.begin(), VISOR_TEST_PROBE);
  return spec;
}

KeeperEvent ProcessTest::expect_event(Keeper& keeper, KeeperEvent::Kind kind) {
  auto event = keeper.wait_event(soon());
  EXPECT_TRUE(event && event->kind == kind) << "event " << (event ? static_cast<int>(event->kind) : -1);
  return event ? std::move(*event) : KeeperEvent{};
}

ExitRecord ProcessTest::expect_exit(Keeper& keeper) {
  return expect_event(keeper, KeeperEvent::Kind::exited).exit.value_or(ExitRecord{});
}

void ProcessTest::expect_cleaned() const {
  EXPECT_TRUE(exists(exit_record_path(dir_)));
  EXPECT_FALSE(exists(keeper_socket_path(dir_)));
  EXPECT_FALSE(exists(console_socket_path(dir_)));
}

std::string read_until(int fd, std::string_view end) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::string text;
  std::array<char, 64 * 1024> buffer;
  while (text.find(end) == std::string::npos) {
    if (!readable(fd, deadline)) {
      ADD_FAILURE() << "nothing more came after: " << text.substr(0, 200);
      break;
    }
    const auto got = ::read(fd, buffer.data(), buffer.size());
    if (got <= 0) {
      ADD_FAILURE() << "it ended after: " << text.substr(0, 200);
      break;
    }
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

std::string read_all(int fd) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::string text;
  std::array<char, 64 * 1024> buffer;
  while (readable(fd, deadline)) {
    const auto got = ::read(fd, buffer.data(), buffer.size());
    if (got <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ADD_FAILURE() << "it did not end";
  return text;
}

void write_all(int fd, std::string_view text) {
  ASSERT_EQ(::send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool exists(const std::string& path) { return fs::exists(fs::symlink_status(path)); }

}  // namespace visor::sdk

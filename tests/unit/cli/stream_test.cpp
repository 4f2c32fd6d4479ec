// SPDX-License-Identifier: Apache-2.0
#include "stream.hpp"

#include "support/error_of.hpp"
#include "support/temporary_folder.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <future>
#include <thread>

namespace visor::cli {
namespace {

using namespace std::chrono_literals;
using test::error_of;

constexpr std::chrono::milliseconds limit = 30s;

void expect_connected(int one, int other) {
  char byte = 'x';
  ASSERT_EQ(::send(one, &byte, 1, MSG_NOSIGNAL), 1);
  byte = 0;
  ASSERT_EQ(::recv(other, &byte, 1, 0), 1);
  EXPECT_EQ(byte, 'x');
}

/// As somebody does who begins before the other listens.
UniqueFd connect_when_there(const std::string& address) {
  const CallContext call{limit};
  for (;;) {
    try {
      return connect_stream(address, call);
    } catch (const Error&) {
      if (call.expired()) throw;
      std::this_thread::yield();
    }
  }
}

TEST(Stream, AUnixSocketIsThereUntilSomebodyHasConnected) {
  const test::TemporaryFolder folder;
  const auto path = (folder.path() / "s").string();
  auto accepted = std::async(std::launch::async, [&] { return accept_stream("unix:" + path, limit); });
  const auto connected = connect_when_there("unix:" + path);
  const auto peer = accepted.get();
  expect_connected(connected.get(), peer.get());
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Stream, ATcpPortIsFoundByItsHost) {
  const UniqueFd listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const auto connected = connect_stream("tcp:127.0.0.1:" + std::to_string(ntohs(address.sin_port)), limit);
  const UniqueFd peer{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  expect_connected(connected.get(), peer.get());
}

TEST(Stream, WhatIsNoAddressIsSaid) {
  for (const char* text : {"", "unix:", "tcp:", "tcp:host", "tcp::1", "tcp:host:", "exec:cat", "/run/s"}) {
    EXPECT_EQ(error_of([&] { (void)connect_stream(text, limit); }).code(), Errc::invalid_config) << text;
    EXPECT_EQ(error_of([&] { (void)accept_stream(text, limit); }).code(), Errc::invalid_config) << text;
  }
}

TEST(Stream, WhatIsThereAlreadyStays) {
  const test::TemporaryFolder folder;
  const auto path = (folder.path() / "mine").string();
  std::ofstream{path} << "mine";
  const auto error = error_of([&] { (void)accept_stream("unix:" + path, limit); });
  EXPECT_NE(error.message().find("Cannot listen at unix:" + path), std::string::npos) << error.message();
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(Stream, NobodyAnswersNobodyComes) {
  const test::TemporaryFolder folder;
  const auto address = "unix:" + (folder.path() / "s").string();
  EXPECT_EQ(error_of([&] { (void)connect_stream(address, limit); }).code(), Errc::not_found);
  EXPECT_EQ(error_of([&] { (void)accept_stream(address, 50ms); }).code(), Errc::timeout);
  EXPECT_FALSE(std::filesystem::exists((folder.path() / "s")));
  CancelSource source;
  auto cancelled = std::async(std::launch::async, [&] {
    return error_of([&] { (void)accept_stream(address, {std::chrono::steady_clock::now() + limit, source.token()}); });
  });
  while (!std::filesystem::exists((folder.path() / "s"))) std::this_thread::yield();
  source.cancel();
  EXPECT_EQ(cancelled.get().code(), Errc::cancelled);
}

}  // namespace
}  // namespace visor::cli

// SPDX-License-Identifier: Apache-2.0
// A client that knows nothing of QMP: bytes out, lines in.
#pragma once
#include "visor/core/error.hpp"
#include "visor/core/unique_fd.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace visor::testing {

/// The error that a call throws, as its message; fails the test when it throws none.
inline std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.message();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

class RawClient {
 public:
  explicit RawClient(UniqueFd fd) : fd_{std::move(fd)} {}
  /// Connects to a listening socket.
  explicit RawClient(const std::string& path) : fd_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0) << path;
  }

  void send(std::string_view text) const {
    EXPECT_EQ(::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  /// The next line without its end; "EOF" when the peer has closed, or "nothing" when none comes.
  std::string line() {
    while (true) {
      if (const auto end = input_.find('\n'); end != std::string::npos) {
        auto line = input_.substr(0, end);
        input_.erase(0, end + 1);
        if (line.ends_with('\r')) line.pop_back();
        return line;
      }
      const auto bytes = chunk();
      if (bytes.empty()) return closed_ ? "EOF" : "nothing";
      input_ += bytes;
    }
  }
  /// Sends a command and returns the next line.
  std::string ask(std::string_view command) {
    send(command);
    return line();
  }
  /// Whatever one read returns; empty at the end.
  std::string chunk() {
    pollfd polled{fd_.get(), POLLIN, 0};
    if (::poll(&polled, 1, 20'000) != 1) return {};
    std::array<char, 65536> bytes;
    const auto size = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    closed_ = size <= 0;
    return closed_ ? std::string{} : std::string{bytes.data(), static_cast<std::size_t>(size)};
  }
  /// All that comes until the peer closes.
  std::string rest() {
    auto all = std::exchange(input_, {});
    for (auto bytes = chunk(); !bytes.empty(); bytes = chunk()) all += bytes;
    return all;
  }
  void close() { fd_.reset(); }

 private:
  UniqueFd fd_;
  std::string input_;
  bool closed_ = false;
};

}  // namespace visor::testing

// SPDX-License-Identifier: Apache-2.0
// The other end of a session as bare bytes, and a client whose I/O thread is in the test's hands.
#pragma once
#include "qmp_test_support.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>
#include <thread>

namespace visor::sdk::qmp {

/// One end of a socket pair. It answers nothing by itself.
class RawPeer {
 public:
  RawPeer() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) throw system_error("socketpair", errno);
    client_.reset(ends[0]);
    own_.reset(ends[1]);
  }

  UniqueFd take_client() { return std::move(client_); }
  [[nodiscard]] int fd() const noexcept { return own_.get(); }
  void close() { own_.reset(); }

  void send(std::string_view bytes) const {
    ASSERT_EQ(::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  /// The greeting, and the answer to the command that the client sends first of all.
  void negotiate() const {
    send(R"({"QMP":{"version":{"qemu":{"micro":1,"minor":2,"major":7}},"capabilities":["oob"]}}{"return":{},"id":1})");
  }
  void answer(CallId id) const { send(R"({"return":{},"id":)" + std::to_string(id) + "}\r\n"); }

  /// Reads until this text has come, and the end of its line; all that was read so far.
  const std::string& read_until(std::string_view text) {
    std::size_t looked = 0;  // where it cannot begin any more
    for (auto at = input_.find(text); at == std::string::npos || input_.find('\n', at) == std::string::npos;
         at = input_.find(text, looked)) {
      if (at == std::string::npos) looked = input_.size() - std::min(input_.size(), text.size());
      pollfd polled{fd(), POLLIN, 0};
      if (::poll(&polled, 1, std::chrono::milliseconds{plenty}.count()) != 1) throw Error(Errc::timeout, "no input");
      std::array<char, 65536> bytes;
      const auto size = ::recv(fd(), bytes.data(), bytes.size(), 0);
      if (size <= 0) throw Error(Errc::disconnected, "the client went");
      input_.append(bytes.data(), static_cast<std::size_t>(size));
    }
    return input_;
  }

 private:
  UniqueFd client_;
  UniqueFd own_;
  std::string input_;
};

/// A client that does nothing from now on but inside of io->run_ready().
inline std::unique_ptr<Client> connect_by_hand(RawPeer& peer, const std::shared_ptr<IoThread>& io,
                                               ClientOptions options = {}) {
  peer.negotiate();
  options.io = io;
  std::atomic<bool> connected{false};
  std::jthread pump{[&] {
    while (!connected) io->run_ready();
  }};
  auto client = Client::connect(peer.take_client(), std::move(options), plenty);
  connected = true;
  return client;
}

/// Runs what there is to run, until there is nothing: never, when the client does not come to rest.
inline void settle(IoThread& io) {
  while (io.run_ready() > 0) continue;
}

}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#include "acceptor.hpp"

#include "failure.hpp"
#include "unix_socket.hpp"

#include <cerrno>

namespace visor::keeper {
namespace {

constexpr Milliseconds rest_time{100};

}  // namespace

Acceptor::Acceptor(Loop& loop, const std::string& path, int type, OnPeer on_peer)
    : loop_{loop}, on_peer_{std::move(on_peer)}, rest_{loop, [this] { watch(); }} {
  auto listener = sdk::wire::listen_unix(path, type);
  if (listener.error != 0) throw Failure{"listen", listener.error, path, {}};
  listener_ = std::move(listener.fd);
  watch();
}

void Acceptor::on_ready(std::uint32_t) {
  UniqueFd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (peer) {
    if (sdk::wire::peer_trusted(peer.get())) on_peer_(std::move(peer));
  } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
    watch_.reset();
    rest_.arm(rest_time);
  }
}

}  // namespace visor::keeper

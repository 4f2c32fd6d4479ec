// SPDX-License-Identifier: Apache-2.0
#include "echo_peers.hpp"

#include "visor/core/error.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace visor::stress {
namespace {

constexpr std::string_view greeting =
    R"({"QMP":{"version":{"qemu":{"micro":0,"minor":2,"major":7}},"capabilities":["oob"]}})"
    "\r\n";

/// The digits after a text; empty when it is not there.
std::string_view number_after(std::string_view line, std::string_view text) {
  const auto at = line.rfind(text);
  if (at == std::string_view::npos) return {};
  const auto digits = line.substr(at + text.size());
  return digits.substr(0, digits.find_first_not_of("0123456789"));
}

}  // namespace

EchoPeers::EchoPeers(std::uint64_t seed, PeerHabits habits)
    : habits_{habits}, random_{seed}, epoll_{::epoll_create1(EPOLL_CLOEXEC)}, stop_{::eventfd(0, EFD_CLOEXEC)} {
  epoll_event event{EPOLLIN, {.fd = stop_.get()}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, stop_.get(), &event) != 0) throw system_error("epoll_ctl", errno);
  thread_ = std::thread{[this] { run(); }};
}

EchoPeers::~EchoPeers() {
  (void)::eventfd_write(stop_.get(), 1);
  thread_.join();
}

UniqueFd EchoPeers::connect() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) throw system_error("socketpair", errno);
  UniqueFd client{ends[0]};
  auto peer = std::make_unique<Peer>();
  peer->fd.reset(ends[1]);
  (void)::send(ends[1], greeting.data(), greeting.size(), MSG_NOSIGNAL);
  const std::scoped_lock lock{mutex_};
  peers_.emplace(ends[1], std::move(peer));
  epoll_event event{EPOLLIN, {.fd = ends[1]}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, ends[1], &event) != 0) throw system_error("epoll_ctl", errno);
  return client;
}

void EchoPeers::run() {
  std::array<epoll_event, 32> ready;
  while (true) {
    const auto count = ::epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), -1);
    for (int i = 0; i < count; ++i) {
      const auto& event = ready[static_cast<std::size_t>(i)];
      if (event.data.fd == stop_.get()) return;
      const std::scoped_lock lock{mutex_};
      const auto peer = peers_.find(event.data.fd);
      if (peer != peers_.end() && !serve(*peer->second, event.events)) peers_.erase(peer);
    }
  }
}

/// False when the session is over.
bool EchoPeers::serve(Peer& peer, std::uint32_t ready) {
  if ((ready & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !read_from(peer)) return false;
  return flush(peer);
}

bool EchoPeers::read_from(Peer& peer) {
  std::array<char, 16384> bytes;
  const auto size = ::recv(peer.fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (size <= 0) return size < 0 && errno == EAGAIN;
  peer.input.append(bytes.data(), static_cast<std::size_t>(size));
  std::size_t begin = 0;
  for (auto end = peer.input.find('\n'); end != std::string::npos; end = peer.input.find('\n', begin)) {
    if (!obey(peer, std::string_view{peer.input}.substr(begin, end - begin))) return false;
    begin = end + 1;
  }
  peer.input.erase(0, begin);
  // An answer may be late, but does not wait for a command that never comes.
  peer.output += std::exchange(peer.held, {});
  return true;
}

bool EchoPeers::obey(Peer& peer, std::string_view line) {
  const std::string id{number_after(line, R"("id":)")};
  const std::string payload{number_after(line, R"("n":)")};
  if (!std::exchange(peer.negotiated, true)) {
    peer.output += R"({"return":{},"id":)" + id + "}\r\n";
    return true;
  }
  if (one_in(habits_.kill)) {
    ++killed_;
    return false;
  }
  if (one_in(habits_.event)) add_event(peer);
  if (one_in(habits_.silent)) return true;
  const auto answer = one_in(habits_.refuse)
                          ? R"({"id":)" + id + R"(,"error":{"class":"GenericError","desc":")" + payload + "\"}}\r\n"
                          : R"({"return":{"n":)" + payload + R"(},"id":)" + id + "}\r\n";
  if (peer.held.empty() && one_in(habits_.reorder)) {
    peer.held = answer;
  } else {
    peer.output += answer + std::exchange(peer.held, {});
  }
  if (one_in(habits_.event)) add_event(peer);
  return true;
}

void EchoPeers::add_event(Peer& peer) {
  peer.output += R"({"timestamp":{"seconds":1,"microseconds":2},"event":"E)" + std::to_string(random_() % 3) +
                 R"(","data":{"text":"}{\"return\":{},\"id\":1}"}})"
                 "\r\n";
  ++events_;
}

bool EchoPeers::flush(Peer& peer) {
  const auto size = peer.output.size();
  const auto wanted = size > 1 && one_in(habits_.dribble) ? size / 2 : size;
  if (wanted > 0) {
    const auto sent = ::send(peer.fd.get(), peer.output.data(), wanted, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent > 0) peer.output.erase(0, static_cast<std::size_t>(sent));
  }
  epoll_event event{EPOLLIN | (peer.output.empty() ? 0U : std::uint32_t{EPOLLOUT}), {.fd = peer.fd.get()}};
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, peer.fd.get(), &event);
  return true;
}

}  // namespace visor::stress

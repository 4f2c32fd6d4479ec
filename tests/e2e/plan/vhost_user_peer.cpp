// SPDX-License-Identifier: Apache-2.0
#include "vhost_user_peer.hpp"

#include "process/unix_socket.hpp"
#include "visor/core/error.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

namespace visor::test {
namespace {

struct Header {
  std::uint32_t request = 0;
  std::uint32_t flags = 0;
  std::uint32_t size = 0;  // of what follows
};
constexpr std::uint32_t reply = 0b101;  // version 1, and this is a reply
enum Request : std::uint32_t { get_features = 1, get_protocol_features = 15, get_queue_num = 17, get_config = 24 };
constexpr std::uint64_t several_queues = 1U << 0U, config_feature = 1U << 9U;          // of the protocol
constexpr std::uint64_t features = std::uint64_t{1} << 30U | std::uint64_t{1} << 32U;  // it has such, VERSION_1

void close_received(const msghdr& message) {
  for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(const_cast<msghdr*>(&message), part)) {
    if (part->cmsg_type != SCM_RIGHTS) continue;
    std::array<int, 8> fds{};
    const auto bytes = part->cmsg_len - CMSG_LEN(0);
    std::memcpy(fds.data(), CMSG_DATA(part), bytes);
    for (std::size_t i = 0; i < bytes / sizeof(int); ++i) ::close(fds.at(i));
  }
}

/// Exactly so many bytes; false at the end. Descriptors that come along are closed.
bool receive(int fd, void* data, std::size_t size) {
  for (std::size_t done = 0; done < size;) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(8 * sizeof(int))> control{};
    iovec part{static_cast<char*>(data) + done, size - done};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto got = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    if (got <= 0) return false;
    close_received(message);
    done += static_cast<std::size_t>(got);
  }
  return true;
}

std::optional<std::uint64_t> answer_to(std::uint32_t request, bool has_config) {
  if (request == get_features) return features;
  if (request == get_protocol_features) return several_queues | (has_config ? config_feature : 0);
  if (request == get_queue_num) return 8;
  return std::nullopt;
}

/// Takes one message, answers it when it asks; false when the connection is over.
bool answer_one(int fd, bool has_config) {
  Header head;
  if (!receive(fd, &head, sizeof head) || head.size > 4096) return false;
  std::vector<char> body(head.size);
  if (!receive(fd, body.data(), body.size())) return false;
  const auto number = answer_to(head.request, has_config);
  if (!number && head.request != get_config) return true;
  if (number) {
    body.resize(sizeof *number);
    std::memcpy(body.data(), &*number, sizeof *number);
  }
  head.flags = reply;
  head.size = static_cast<std::uint32_t>(body.size());
  std::vector<char> text(sizeof head);
  std::memcpy(text.data(), &head, sizeof head);
  text.insert(text.end(), body.begin(), body.end());
  return ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

}  // namespace

VhostUserPeer::VhostUserPeer(const std::string& path, bool has_config)
    : has_config_{has_config}, stop_{::eventfd(0, EFD_CLOEXEC)} {
  ::unlink(path.c_str());
  auto made = sdk::wire::listen_unix(path, SOCK_STREAM);
  if (!made.fd) throw system_error("Cannot listen at " + path, made.error);
  listener_ = std::move(made.fd);
  thread_ = std::thread{[this] { serve(); }};
}

VhostUserPeer::~VhostUserPeer() {
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

void VhostUserPeer::serve() const {
  std::vector<UniqueFd> connections;
  for (;;) {
    std::vector<pollfd> waits{{stop_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    for (const auto& connection : connections) waits.push_back({connection.get(), POLLIN, 0});
    if (::poll(waits.data(), waits.size(), -1) < 0) continue;
    if (waits[0].revents != 0) return;
    for (std::size_t i = connections.size(); i-- > 0;) {
      if (waits[i + 2].revents == 0 || answer_one(connections[i].get(), has_config_)) continue;
      connections.erase(connections.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (waits[1].revents == 0) continue;
    if (UniqueFd taken{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)})
      connections.push_back(std::move(taken));
  }
}

}  // namespace visor::test

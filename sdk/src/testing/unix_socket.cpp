// SPDX-License-Identifier: Apache-2.0
#include "unix_socket.hpp"

#include "visor/core/error.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace visor::testing {
namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw Error(Errc::invalid_config, "Socket path too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

UniqueFd stream_socket() {
  UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!fd) throw system_error("Cannot make a socket", errno);
  return fd;
}

}  // namespace

UniqueFd listen_at(const std::string& path) {
  const auto address = address_of(path);
  auto listener = stream_socket();
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener.get(), 1) != 0) {
    throw system_error("Cannot listen at " + path, errno);
  }
  return listener;
}

UniqueFd connect_to(const std::string& path) {
  const auto address = address_of(path);
  auto fd = stream_socket();
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw system_error("Cannot connect to " + path, errno);
  }
  return fd;
}

std::optional<std::size_t> receive(int fd, std::span<char> bytes, const std::function<void(UniqueFd)>& on_fd) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(4 * sizeof(int))> control;
  iovec part{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto received = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (received <= 0) return 0;
  for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t at = CMSG_LEN(0); at < header->cmsg_len; at += sizeof(int)) {
      int one = -1;
      std::memcpy(&one, reinterpret_cast<const char*>(header) + at, sizeof one);
      on_fd(UniqueFd{one});
    }
  }
  return static_cast<std::size_t>(received);
}

}  // namespace visor::testing

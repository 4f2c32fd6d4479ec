// SPDX-License-Identifier: Apache-2.0
#include "unix_socket.hpp"

#include "visor/core/error.hpp"

#include <sys/socket.h>
#include <sys/un.h>

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

}  // namespace visor::testing

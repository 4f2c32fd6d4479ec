// SPDX-License-Identifier: Apache-2.0
#include "unix_socket.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace visor::sdk::wire {
namespace {

struct Address {
  sockaddr_un name{};
  socklen_t size = 0;
};

bool make_address(std::string_view path, Address& address) {
  if (path.empty() || path.size() >= sizeof address.name.sun_path) return false;
  address.name.sun_family = AF_UNIX;
  std::memcpy(address.name.sun_path, path.data(), path.size());
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return true;
}

SocketResult open_socket(std::string_view path, int type, Address& address) {
  if (!make_address(path, address)) return {UniqueFd{}, ENAMETOOLONG};
  UniqueFd fd(::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return {UniqueFd{}, errno};
  return {std::move(fd), 0};
}

}  // namespace

SocketResult connect_unix(std::string_view path, int type) {
  Address address;
  auto result = open_socket(path, type, address);
  if (result.error == 0 && ::connect(result.fd.get(), reinterpret_cast<sockaddr*>(&address.name), address.size) != 0) {
    result.error = errno;
    result.fd.reset();
  }
  return result;
}

SocketResult listen_unix(std::string_view path, int type) {
  Address address;
  auto result = open_socket(path, type, address);
  if (result.error != 0) return result;
  // Linux gives the file the mode of the unbound socket, less the umask (unix_bind in net/unix/af_unix.c).
  if (::fchmod(result.fd.get(), 0600) != 0 ||
      ::bind(result.fd.get(), reinterpret_cast<sockaddr*>(&address.name), address.size) != 0 ||
      ::listen(result.fd.get(), 16) != 0) {
    result.error = errno;
    result.fd.reset();
  }
  return result;
}

ucred peer_of(int fd) {
  ucred peer{0, static_cast<uid_t>(-1), static_cast<gid_t>(-1)};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {0, static_cast<uid_t>(-1), 0};
  return peer;
}

bool peer_trusted(int fd) {
  const auto uid = peer_of(fd).uid;
  return uid == ::geteuid() || uid == 0;
}

}  // namespace visor::sdk::wire

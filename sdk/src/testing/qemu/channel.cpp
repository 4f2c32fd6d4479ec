// SPDX-License-Identifier: Apache-2.0
#include "channel.hpp"

#include "testing/unix_socket.hpp"
#include "visor/core/json.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace visor::testing {

namespace {

/// True for what is no socket: whoever uses it will say so.
bool listens(int fd) {
  int answer = 1;
  socklen_t size = sizeof answer;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &answer, &size) != 0 || answer != 0;
}

UniqueFd open_socket(const SocketOption& option) {
  if (option.path.empty()) return UniqueFd{option.fd};
  return option.connects ? connect_to(option.path) : listen_at(option.path);
}

}  // namespace

Channel::Channel(const SocketOption& option)
    : id{option.id}, path{option.connects ? std::string{} : option.path}, listener{open_socket(option)} {
  if (!listens(listener.get())) client = std::move(listener);
}

Channel::~Channel() {
  if (!path.empty()) ::unlink(path.c_str());
}

void Channel::close() {
  client.reset();
  negotiated = false;
  input.clear();
}

bool Channel::read(UniqueFd& fd) {
  std::array<char, 4096> bytes;
  const auto size = receive(client.get(), bytes, [&](UniqueFd one) { fd = std::move(one); });
  if (monitor && size) input.feed({bytes.data(), *size});
  return size != 0;
}

void Channel::write(const std::string& text) const {
  if (client) (void)::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
}

void Channel::send(const Value& object) const { write(to_json(object) + "\r\n"); }

}  // namespace visor::testing

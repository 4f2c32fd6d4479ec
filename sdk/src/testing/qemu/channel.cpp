// SPDX-License-Identifier: Apache-2.0
#include "channel.hpp"

#include "testing/unix_socket.hpp"
#include "visor/core/json.hpp"

#include <sys/socket.h>
#include <unistd.h>

namespace visor::testing {

Channel::Channel(const SocketOption& option)
    : id{option.id}, path{option.path}, listener{option.path.empty() ? UniqueFd{option.fd} : listen_at(option.path)} {}

Channel::~Channel() {
  if (listener && !path.empty()) ::unlink(path.c_str());
}

void Channel::close() {
  client.reset();
  negotiated = false;
  input.clear();
}

void Channel::write(const std::string& text) const {
  if (client) (void)::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
}

void Channel::send(const Value& object) const { write(to_json(object) + "\r\n"); }

}  // namespace visor::testing

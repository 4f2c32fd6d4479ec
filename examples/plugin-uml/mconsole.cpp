// SPDX-License-Identifier: Apache-2.0
#include "mconsole.hpp"

#include "visor/core/error.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/sdk/console.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace uml {
namespace {

constexpr std::uint32_t magic = 0xcafebabe;
constexpr std::uint32_t version = 2;
constexpr std::size_t max_data = 512;  // the last byte is a zero that UML writes
constexpr std::size_t max_answer = 64 * 1024;

struct Request {
  std::uint32_t magic;
  std::uint32_t version;
  std::uint32_t length;
  std::array<char, max_data> data;
};

struct Reply {
  std::uint32_t error;
  std::uint32_t more;
  std::uint32_t length;
  std::array<char, max_data> data;
};

visor::Error no_answer(const std::string& path, int error) {
  if (error == ENOENT || error == ECONNREFUSED || error == ECONNRESET) {
    return {visor::Errc::disconnected, "No User-Mode Linux listens at " + path};
  }
  return visor::system_error("Cannot talk to the management console at " + path, error);
}

/// A socket that sends to this path and hears what is sent back. On failure errno is set.
visor::UniqueFd connect_to(const std::string& path) noexcept {
  visor::UniqueFd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return visor::UniqueFd{};
  }
  const auto* any = reinterpret_cast<const sockaddr*>(&address);
  // An address of its own, chosen by the kernel (unix(7), autobind): the answer has to be sent somewhere.
  if (!fd || ::bind(fd.get(), any, sizeof(sa_family_t)) != 0) return visor::UniqueFd{};
  std::memcpy(address.sun_path, path.c_str(), path.size());
  if (::connect(fd.get(), any, sizeof address) != 0) return visor::UniqueFd{};
  return fd;
}

/// What send() and recv() give, without the interruptions.
ssize_t send_once(int fd, std::string_view command) noexcept {
  Request request{magic, version, static_cast<std::uint32_t>(command.size()), {}};
  std::memcpy(request.data.data(), command.data(), command.size());
  ssize_t sent = 0;
  do {
    sent = ::send(fd, &request, sizeof request, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent;
}

std::size_t receive(int fd, Reply& reply, const std::string& path, const visor::CallContext& call) {
  for (;;) {
    const auto size = ::recv(fd, &reply, sizeof reply, 0);
    if (size >= 0) return static_cast<std::size_t>(size);
    if (errno != EAGAIN && errno != EINTR) throw no_answer(path, errno);
    visor::sdk::wait_for_fd(fd, POLLIN, "an answer of the management console", call);
  }
}

}  // namespace

Mconsole::Answer Mconsole::ask(std::string_view command, const visor::CallContext& call) const {
  call.check("the management console");
  if (command.size() >= max_data) {
    throw visor::Error(visor::Errc::invalid_config, "A command of the management console has at most " +
                                                        std::to_string(max_data - 1) +
                                                        " characters: use a shorter path");
  }
  const auto fd = connect_to(path_);
  if (!fd) throw no_answer(path_, errno);
  while (send_once(fd.get(), command) < 0) {
    if (errno != EAGAIN) throw no_answer(path_, errno);
    visor::sdk::wait_for_fd(fd.get(), POLLOUT, "the management console to take a command", call);
  }
  Answer answer;
  for (;;) {
    Reply reply{};
    const auto size = receive(fd.get(), reply, path_, call);
    if (size < offsetof(Reply, data) || reply.length > size - offsetof(Reply, data)) {
      throw visor::Error(visor::Errc::io_error, "The answer of the management console at " + path_ + " is malformed");
    }
    answer.error = static_cast<int>(reply.error);
    answer.text.append(reply.data.data(), ::strnlen(reply.data.data(), reply.length));
    if (reply.more == 0 || answer.text.size() >= max_answer) return answer;
  }
}

bool Mconsole::tell(std::string_view command) const noexcept {
  const auto fd = connect_to(path_);
  return fd && command.size() < max_data && send_once(fd.get(), command) > 0;
}

}  // namespace uml

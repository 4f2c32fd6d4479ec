// SPDX-License-Identifier: Apache-2.0
#include "state_stream.hpp"

#include "process/wait.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string>

namespace visor::sdk {
namespace {

constexpr std::string_view magic = "visorVM\n";
constexpr std::size_t length_bytes = 8;
constexpr std::size_t max_manifest_bytes = std::size_t{4} << 20U;
constexpr std::string_view what = "the other side of the VM's state";

/// A pipe without a reader is an error here and no signal, whatever this program does about SIGPIPE.
class NoSigpipe {
 public:
  NoSigpipe() {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;
  ~NoSigpipe() {
    const timespec now{};
    while (!was_pending_ && ::sigtimedwait(&pipe_, nullptr, &now) == SIGPIPE) continue;
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

/// No more at once than a pipe that is writable takes without blocking.
ssize_t write_some(int fd, bool socket, std::string_view text) {
  if (socket) return ::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return ::write(fd, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
}

void write_all(int fd, std::string_view text, const CallContext& call) {
  const NoSigpipe quiet;
  const bool socket = is_socket(fd);
  while (!text.empty()) {
    wait_for(fd, POLLOUT, what, call);
    const auto size = write_some(fd, socket, text);
    if (size < 0 && errno != EINTR && errno != EAGAIN) {
      const auto failure = system_error("Cannot write the VM's state", errno);
      throw Error(errno == ENOSPC ? Errc::exhausted : Errc::io_error, failure.message());
    }
    if (size > 0) text.remove_prefix(static_cast<std::size_t>(size));
  }
}

std::string read_all(int fd, std::size_t size, const CallContext& call) {
  std::string text(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    wait_for(fd, POLLIN, what, call);
    const auto more = ::read(fd, text.data() + have, size - have);
    if (more < 0 && errno != EINTR && errno != EAGAIN) {
      throw Error(Errc::io_error, system_error("Cannot read the VM's state", errno).message());
    }
    if (more == 0) throw Error(Errc::io_error, "The stream of the VM's state ended before its first words had come");
    if (more > 0) have += static_cast<std::size_t>(more);
  }
  return text;
}

}  // namespace

void write_manifest(int fd, const Manifest& manifest, const CallContext& call) {
  const auto json = to_json(to_value(manifest));
  std::string head{magic};
  for (std::size_t i = 0; i < length_bytes; ++i) head += static_cast<char>(json.size() >> (8 * i) & 0xffU);
  write_all(fd, head + json, call);
}

Manifest read_manifest(int fd, const CallContext& call) {
  const auto head = read_all(fd, magic.size() + length_bytes, call);
  if (!head.starts_with(magic)) {
    throw Error(Errc::invalid_config, "What comes is no VM's state as visorkit sends it: its first bytes differ");
  }
  std::uint64_t length = 0;
  for (std::size_t i = length_bytes; i > 0; --i) {
    length = length << 8U | static_cast<unsigned char>(head[magic.size() + i - 1]);
  }
  if (length > max_manifest_bytes) {
    throw Error(Errc::invalid_config, "What comes is no VM's state as visorkit sends it: it claims to begin with " +
                                          std::to_string(length) + " bytes of description");
  }
  return manifest_from_value(parse_json(read_all(fd, length, call)));
}

bool is_socket(int fd) noexcept {
  struct stat status{};
  return ::fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

void end_stream(int fd) noexcept {
  if (is_socket(fd)) (void)::shutdown(fd, SHUT_RDWR);
}

}  // namespace visor::sdk

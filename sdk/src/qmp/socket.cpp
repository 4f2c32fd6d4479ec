// SPDX-License-Identifier: Apache-2.0
#include "socket.hpp"

#include "process/unix_socket.hpp"
#include "visor/core/error.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>

namespace visor::sdk::qmp {
namespace {

/// Sleeps, but not longer than the call may take, nor when it is cancelled.
void pause_for(std::chrono::milliseconds time, const CallContext& call) {
  std::mutex mutex;
  std::condition_variable changed;
  bool cancelled = false;
  const CancelCallback wake{call.cancel(), [&] {
                              const std::scoped_lock lock{mutex};
                              cancelled = true;
                              changed.notify_all();
                            }};
  std::unique_lock lock{mutex};
  const auto until = std::min(call.deadline(), std::chrono::steady_clock::now() + time);
  changed.wait_until(lock, until, [&] { return cancelled; });
}

[[noreturn]] void throw_connect_error(const std::string& path, const std::string& peer, int error) {
  const auto what = "Cannot connect to the QMP socket " + path + " of " + peer;
  if (error == ENAMETOOLONG) {
    throw Error(Errc::invalid_config, what + ": a socket path has 1 to " +
                                          std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes, this has " +
                                          std::to_string(path.size()));
  }
  if (error == ECONNREFUSED) throw Error(Errc::disconnected, what + ": nobody listens there");
  throw system_error(what, error);
}

}  // namespace

Transferred send_batch(int socket, const Outbox::Batch& batch) noexcept {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(batch.parts.data());  // sendmsg only reads it
  message.msg_iovlen = batch.count;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (batch.fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    auto* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &batch.fd, sizeof(int));
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return {0, errno};
  return {static_cast<std::size_t>(sent), 0};
}

Transferred receive_bytes(int socket, std::span<char> buffer) noexcept {
  ssize_t received = 0;
  do {
    received = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
  } while (received < 0 && errno == EINTR);
  if (received >= 0) return {static_cast<std::size_t>(received), 0};
  // A peer that goes without reading all it was sent, or before it accepted, resets: it has closed all the same.
  if (errno == ECONNRESET) return {0, 0};
  return {0, errno};
}

UniqueFd connect_to(const std::string& path, const std::string& peer, const CallContext& call) {
  std::chrono::milliseconds pause{1};
  while (true) {
    call.check("a place in the queue of the QMP socket " + path);
    auto result = wire::connect_unix(path, SOCK_STREAM);
    if (result.error == 0) return std::move(result.fd);
    // The kernel has no way to wait for a place in the queue with a deadline other than asking again.
    if (result.error != EAGAIN && result.error != EINTR) throw_connect_error(path, peer, result.error);
    pause_for(pause, call);
    pause = std::min(pause * 2, std::chrono::milliseconds{20});
  }
}

void check_socket(int socket) {
  int domain = 0;
  int type = 0;
  socklen_t size = sizeof domain;
  const bool known = ::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
                     ::getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
  if (!known || domain != AF_UNIX || type != SOCK_STREAM) {
    throw Error(Errc::invalid_config, "A QMP session needs a connected unix stream socket");
  }
  if (::fcntl(socket, F_SETFD, FD_CLOEXEC) != 0) throw system_error("Cannot prepare the QMP socket", errno);
}

}  // namespace visor::sdk::qmp

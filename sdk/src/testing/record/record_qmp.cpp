// SPDX-License-Identifier: Apache-2.0
#include "visor/testing/record_qmp.hpp"

#include "testing/unix_socket.hpp"
#include "transcript.hpp"
#include "visor/core/error.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace visor::testing {
namespace {

constexpr std::size_t most_fds = 4;

/// Removes a socket's file at the end.
class Listening {
 public:
  explicit Listening(const std::string& path) : path_{path}, fd_{listen_at(path)} {}
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;
  ~Listening() { ::unlink(path_.c_str()); }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  std::string path_;
  UniqueFd fd_;
};

/// Writes what one read returned, as long as `wait` says so before each write. A peer that has gone is found by its own
/// side.
template <class Wait>
void pass_on(int to, std::string_view bytes, const std::vector<UniqueFd>& fds, const Wait& wait) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(most_fds * sizeof(int))> control{};
  std::size_t with = std::min(fds.size(), most_fds);
  while (!bytes.empty() && wait()) {
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (with != 0) {
      message.msg_control = control.data();
      message.msg_controllen = CMSG_SPACE(with * sizeof(int));
      auto* const header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(with * sizeof(int));
      for (std::size_t i = 0; i < with; ++i) {
        const int fd = fds[i].get();
        std::memcpy(CMSG_DATA(header) + i * sizeof fd, &fd, sizeof fd);
      }
    }
    const auto sent = ::sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (sent < 0) return;
    with = 0;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

class Relay {
 public:
  Relay(const RecordOptions& options, UniqueFd server)
      : options_{options}, server_{std::move(server)}, transcript_{options.keep_times} {}

  void accept_client(int listener) {
    std::array<pollfd, 2> polled{{{listener, POLLIN, 0}, {options_.stop_fd, POLLIN, 0}}};
    wait(polled, "No client came to " + options_.listen + " in time");
    if (polled[1].revents != 0) return;
    client_.reset(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!client_) throw system_error("Cannot accept a client at " + options_.listen, errno);
  }

  /// What was said is never lost: whatever ends the dialogue after the client came ends the script.
  Recording run() {
    if (!client_) return {{}, "Ended before a client came to " + options_.listen};
    std::string problem;
    try {
      relay();
    } catch (const Error& error) {
      problem = error.message();
      transcript_.broke_off(problem);
    }
    return {transcript_.yaml(), std::move(problem)};
  }

 private:
  void relay() {
    while (true) {
      std::array<pollfd, 3> polled{
          {{client_.get(), POLLIN, 0}, {server_.get(), POLLIN, 0}, {options_.stop_fd, POLLIN, 0}}};
      wait(polled, "Nothing was said for " + std::to_string(options_.patience.count()) + " ms");
      // The monitor first: what it said before the client closed belongs to the dialogue.
      if (polled[1].revents != 0) {
        const bool open = pass(server_, client_, [&](auto bytes) { transcript_.from_server(bytes); });
        if (!open) return transcript_.server_closed();
      }
      if (polled[0].revents != 0) {
        const bool open = pass(client_, server_, [&](auto bytes) { transcript_.from_client(bytes); });
        if (!open) return transcript_.client_closed();
      }
      if (polled[2].revents != 0) return;
    }
  }

  template <std::size_t Size>
  void wait(std::array<pollfd, Size>& polled, const std::string& problem) const {
    int ready = 0;
    do {
      ready = ::poll(polled.data(), polled.size(), static_cast<int>(options_.patience.count()));
    } while (ready < 0 && errno == EINTR);
    if (ready < 0) throw system_error("Cannot wait for the dialogue", errno);
    if (ready == 0) throw Error(Errc::timeout, problem);
  }

  template <class Hear>
  bool pass(const UniqueFd& from, const UniqueFd& to, const Hear& hear) const {
    std::array<char, 65536> bytes;
    std::vector<UniqueFd> fds;
    const auto size = receive(from.get(), bytes, [&](UniqueFd fd) { fds.push_back(std::move(fd)); });
    if (!size) return true;
    if (*size == 0) return false;
    const std::string_view text{bytes.data(), *size};
    hear(text);
    pass_on(to.get(), text, fds, [&] {
      std::array<pollfd, 2> polled{{{to.get(), POLLOUT, 0}, {options_.stop_fd, POLLIN, 0}}};
      wait(polled, "Nobody read what was said for " + std::to_string(options_.patience.count()) + " ms");
      return polled[1].revents == 0;
    });
    return true;
  }

  const RecordOptions& options_;
  UniqueFd server_;
  UniqueFd client_;
  Transcript transcript_;
};

}  // namespace

Recording record_qmp(const RecordOptions& options) {
  Relay relay{options, connect_to(options.connect)};
  const Listening listening{options.listen};
  relay.accept_client(listening.fd());
  return relay.run();
}

}  // namespace visor::testing

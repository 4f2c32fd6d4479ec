// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/console.hpp"

#include "process/wait.hpp"
#include "visor/core/error.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace visor::sdk {
namespace {

class StreamConsole final : public Console {
 public:
  explicit StreamConsole(UniqueFd stream) : stream_{std::move(stream)} {}

  std::size_t read(char* buffer, std::size_t size, const CallContext& call) override {
    for (;;) {
      const auto got = ::recv(stream_.get(), buffer, size, MSG_DONTWAIT);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno == ECONNRESET) return 0;
      if (errno != EAGAIN && errno != EINTR) throw system_error("Cannot read the console", errno);
      wait_for_fd(stream_.get(), POLLIN, "the console", call);
    }
  }

  void write(std::string_view bytes, const CallContext& call) override {
    while (!bytes.empty()) {
      const auto sent = ::send(stream_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno == EPIPE || errno == ECONNRESET) {
        throw Error(Errc::disconnected, "The console is closed: the VM has ended");
      } else if (errno == EAGAIN) {
        wait_for_fd(stream_.get(), POLLOUT, "the guest to read its console", call);
      } else if (errno != EINTR) {
        throw system_error("Cannot write to the console", errno);
      }
    }
  }

  [[nodiscard]] int poll_fd() const noexcept override { return stream_.get(); }

 private:
  UniqueFd stream_;
};

}  // namespace

std::unique_ptr<Console> make_stream_console(UniqueFd stream) {
  return std::make_unique<StreamConsole>(std::move(stream));
}

void wait_for_fd(int fd, short events, std::string_view what, const CallContext& call) {
  wait_for(fd, events, what, call);
}

}  // namespace visor::sdk

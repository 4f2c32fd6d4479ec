// SPDX-License-Identifier: Apache-2.0
#include "console_pump.hpp"

#include "output.hpp"
#include "terminal.hpp"
#include "visor/core/error.hpp"
#include "visor/core/unique_fd.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace visor::cli {
namespace {

using namespace std::chrono_literals;

/// How long a console without a descriptor may keep typed keys waiting.
constexpr auto blind_read = 50ms;
/// How long the guest may leave input unread before it is dropped.
constexpr auto write_limit = 2s;
/// The same for keys of a guest that has not read the last ones: its output is shown in between.
constexpr auto unread_write_limit = 50ms;

/// A descriptor that polls readable once a token is cancelled.
class CancelFd {
 public:
  explicit CancelFd(const CancelToken& token)
      : fd_{::eventfd(0, EFD_CLOEXEC)}, callback_{token, [this] {
                                                    const std::uint64_t one = 1;
                                                    (void)!::write(fd_.get(), &one, sizeof one);
                                                  }} {}
  [[nodiscard]] int get() const noexcept { return fd_.get(); }

 private:
  UniqueFd fd_;
  CancelCallback callback_;
};

class Pump {
 public:
  using Warn = std::function<void(std::string_view)>;

  Pump(Console& console, PumpInput input, const CancelToken& cancel, const Warn& warn)
      : console_{console}, input_{input}, cancel_{cancel}, cancel_fd_{cancel}, warn_{warn} {}

  PumpEnd run() {
    const auto end = copy();
    if (lost_ > told_) {
      warn_("Of the input, up to " + std::to_string(lost_) + " bytes in all are lost: the guest did not read them");
    }
    return end;
  }

 private:
  PumpEnd copy() {
    for (;;) {
      const auto ready = wait();
      if (cancel_.cancelled()) return PumpEnd::cancelled;
      if (ready.input && !forward_input()) return PumpEnd::left;
      if (ready.console && !forward_console()) return cancel_.cancelled() ? PumpEnd::cancelled : PumpEnd::vm_gone;
    }
  }

  struct Ready {
    bool input = false;
    bool console = false;
  };

  Ready wait() {
    const int console_fd = console_.poll_fd();
    std::array<pollfd, 3> fds{{{cancel_fd_.get(), POLLIN, 0},
                               {input_ == PumpInput::none ? -1 : STDIN_FILENO, POLLIN, 0},
                               {console_fd, POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), console_fd < 0 ? 0 : -1);
    return {fds[1].revents != 0, console_fd < 0 || fds[2].revents != 0};
  }

  /// False when the user wants to leave.
  bool forward_input() {
    std::array<char, 1024> buffer{};
    const auto size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (size <= 0) {
      input_ = PumpInput::none;
      return true;
    }
    std::string_view typed{buffer.data(), static_cast<std::size_t>(size)};
    EscapeFilter::Result filtered;
    if (input_ == PumpInput::keys) {
      filtered = filter_.feed(typed);
      typed = filtered.bytes;
    }
    if (!typed.empty()) write_keys(typed);
    return !filtered.leave;
  }

  void write_keys(std::string_view typed) {
    const auto limit = unread_ && input_ == PumpInput::keys ? unread_write_limit : write_limit;
    try {
      console_.write(typed, {std::chrono::steady_clock::now() + limit, cancel_});
      unread_ = false;
    } catch (const Error& error) {
      // A guest that reads nothing must not keep its output from being shown; one that is gone ends the reading.
      if (error.code() == Errc::timeout) return lose(typed.size());
      if (error.code() != Errc::disconnected && error.code() != Errc::cancelled) throw;
    }
  }

  /// How many of the bytes went is not known.
  void lose(std::size_t bytes) {
    unread_ = true;
    lost_ += bytes;
    if (told_ != 0) return;
    told_ = lost_;
    warn_("The guest does not read its console: up to " + std::to_string(lost_) + " bytes of the input are lost");
  }

  /// False at the console's end.
  bool forward_console() {
    std::array<char, 16384> buffer{};
    std::size_t size = 0;
    try {
      size = console_.read(buffer.data(), buffer.size(), {std::chrono::steady_clock::now() + blind_read, cancel_});
    } catch (const Error& error) {
      if (error.code() == Errc::timeout) return true;
      if (error.code() == Errc::cancelled) return false;
      throw;
    }
    return size > 0 && show({buffer.data(), size});
  }

  /// Only as much at once as fits into a pipe or a terminal that polls writable: a reader that stands still must not
  /// keep this from hearing a cancellation.
  bool show(std::string_view bytes) {
    while (!bytes.empty()) {
      std::array<pollfd, 2> fds{{{cancel_fd_.get(), POLLIN, 0}, {STDOUT_FILENO, POLLOUT, 0}}};
      ::poll(fds.data(), fds.size(), -1);
      if (cancel_.cancelled()) return false;
      if (fds[1].revents == 0) continue;
      const auto part = bytes.substr(0, PIPE_BUF);
      write_stdout(part);
      bytes.remove_prefix(part.size());
    }
    return true;
  }

  Console& console_;
  PumpInput input_;
  EscapeFilter filter_;
  CancelToken cancel_;
  CancelFd cancel_fd_;
  const Warn& warn_;
  bool unread_ = false;  // the last input
  std::size_t lost_ = 0;
  std::size_t told_ = 0;
};

}  // namespace

PumpEnd pump_console(Console& console, PumpInput input, const CancelToken& cancel,
                     const std::function<void(std::string_view text)>& warn) {
  return Pump{console, input, cancel, warn}.run();
}

}  // namespace visor::cli

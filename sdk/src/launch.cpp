// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/launch.hpp"

#include "io_thread_impl.hpp"
#include "process/find_program.hpp"
#include "process/proc_stat.hpp"
#include "process/spawn.hpp"
#include "process/wait.hpp"
#include "run_program.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/exit.hpp"
#include "visor/sdk/process/reaper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <utility>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

/// More than a pipe holds (64 KiB, see pipe(7)).
constexpr int max_turns = 16;
/// SIGKILL always works, but a process that the kernel holds in a system call ends later.
constexpr auto kill_wait = 5s;
constexpr std::size_t max_fds = 200;
constexpr std::uint32_t max_stderr_bytes = 4 * 1024 * 1024;

[[noreturn]] void refuse(const std::string& why) { throw Error(Errc::invalid_config, why); }

void refuse_daemonize(const RawLaunch& launch) {
  for (const auto& argument : launch.arguments) {
    if (argument != "-daemonize" && argument != "--daemonize") continue;
    refuse("arguments: with " + argument + " QEMU would leave the process that is waited for, and nobody would learn " +
           "how it ended; leave it out and call on a thread of its own");
  }
}

void check(const RawLaunch& launch) {
  const auto has_zero = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  if (launch.program.empty() || has_zero(launch.program)) refuse("program: it is empty or has a zero byte");
  for (const auto& argument : launch.arguments) {
    if (has_zero(argument)) refuse("arguments: one of them has a zero byte");
  }
  for (const auto& variable : launch.env) {
    const auto equals = variable.find('=');
    if (equals == 0 || equals == std::string::npos || has_zero(variable))
      refuse("env: '" + variable + "' is not KEY=value");
  }
  if (has_zero(launch.working_dir)) refuse("working_dir: it has a zero byte");
  if (launch.fds.size() > max_fds) refuse("fds: there are more than " + std::to_string(max_fds));
  for (const int fd : launch.fds) {
    if (::fcntl(fd, F_GETFD) < 0) refuse("fds: " + std::to_string(fd) + " is not open");
  }
  if (launch.stderr_bytes > max_stderr_bytes) refuse("stderr_bytes: the limit is 4 MiB");
}

std::string path_of(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  if (auto found = find_program(program)) return *std::move(found);
  throw Error(Errc::not_found, "'" + program + "' was not found in $PATH; install it, or give its path");
}

/// The read end of the program's stderr, and the end of what came.
class Tail {
 public:
  Tail(UniqueFd pipe, std::size_t limit) : pipe_{std::move(pipe)}, limit_{limit} {}

  [[nodiscard]] int fd() const noexcept { return pipe_.get(); }  ///< -1 after the end
  /// Takes what is there: not for ever from a program that writes faster than this reads.
  void drain() {
    std::array<char, 16 * 1024> buffer;
    for (int turn = 0; pipe_ && turn < max_turns; ++turn) {
      const auto got = ::read(pipe_.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) return pipe_.reset();
      text_.append(buffer.data(), static_cast<std::size_t>(got));
      if (text_.size() > limit_) text_.erase(0, text_.size() - limit_);
    }
  }
  [[nodiscard]] std::string take() { return std::move(text_); }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  UniqueFd pipe_;
  std::size_t limit_;
  std::string text_;
};

std::pair<UniqueFd, UniqueFd> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw system_error("Cannot create a pipe", errno);
  std::pair<UniqueFd, UniqueFd> pipe{UniqueFd{ends[0]}, UniqueFd{ends[1]}};
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) throw system_error("Cannot set up a pipe", errno);
  return pipe;
}

/// A program that runs, and ends with this object at the latest.
class Program {
 public:
  /// `with_group`: what it started ends with it, unless that made a process group of its own.
  Program(Spawned spawned, Tail tail, bool with_group)
      : pidfd_{std::move(spawned.pidfd)}, tail_{std::move(tail)}, group_{with_group ? spawned.pid : 0} {}
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    if (!pidfd_) return;
    (void)wire::signal_pidfd(pidfd_.get(), SIGKILL);
    kill_group();
    leave_to_reaper(std::move(pidfd_));
  }

  /// Reads its stderr until it has ended; false when the call has to end before.
  bool watch(const CallContext& call) {
    const UniqueFd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (!wake) throw system_error("Cannot create an eventfd", errno);
    const CancelCallback on_cancel{call.cancel(), [&wake] { (void)::eventfd_write(wake.get(), 1); }};
    for (;;) {
      std::array<pollfd, 3> fds{{{pidfd_.get(), POLLIN, 0}, {tail_.fd(), POLLIN, 0}, {wake.get(), POLLIN, 0}}};
      if (::poll(fds.data(), fds.size(), poll_ms(call.deadline())) < 0 && errno != EINTR) {
        throw system_error("Cannot poll", errno);
      }
      tail_.drain();
      if (fds[0].revents != 0) return true;
      if (call.cancel().cancelled() || call.expired()) return false;
    }
  }
  /// SIGTERM, then SIGKILL. The name of the signal that it took.
  std::string_view end(std::chrono::milliseconds grace) {
    (void)wire::signal_pidfd(pidfd_.get(), SIGTERM);
    if (watch(grace)) return "SIGTERM";
    (void)wire::signal_pidfd(pidfd_.get(), SIGKILL);
    return watch(kill_wait) ? "SIGKILL" : "SIGKILL, which has yet to work";
  }
  /// What is known once it has ended.
  RawEnd result() {
    kill_group();
    RawEnd end{status(), tail_.take()};
    pidfd_.reset();
    return end;
  }
  [[nodiscard]] std::string last_words() const { return stderr_excerpt(tail_.text()); }

 private:
  /// Only before it is reaped: until then nobody else can have the number of its group.
  void kill_group() const noexcept {
    if (group_ > 0) (void)::kill(-group_, SIGKILL);
  }

  [[nodiscard]] ExitStatus status() const {
    siginfo_t info{};
    int done = 0;
    do {
      done = ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG | __WALL);
    } while (done != 0 && errno == EINTR);
    if (done != 0 || info.si_pid == 0) return {};
    if (info.si_code == CLD_EXITED) return {ExitStatus::Kind::code, info.si_status, false};
    return {ExitStatus::Kind::signal, info.si_status, info.si_code == CLD_DUMPED};
  }

  UniqueFd pidfd_;
  Tail tail_;
  pid_t group_;
};

Program start(const RawLaunch& launch, const std::string& path) {
  UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (!null) throw system_error("Cannot open /dev/null", errno);
  auto [read_end, write_end] = make_pipe();
  ProgramStart what{.path = path,
                    .argv = {launch.program},
                    .env = launch.env,
                    .working_dir = launch.working_dir,
                    .fds = {null.get(), null.get(), write_end.get()},
                    .credentials = launch.credentials,
                    .no_new_privs = launch.no_new_privs,
                    .end_with_caller = launch.end_with_caller};
  what.argv.insert(what.argv.end(), launch.arguments.begin(), launch.arguments.end());
  what.fds.insert(what.fds.end(), launch.fds.begin(), launch.fds.end());
  return {spawn_program(what), Tail{std::move(read_end), launch.stderr_bytes}, launch.end_with_caller};
}

}  // namespace

RawEnd launch_qemu(const RawLaunch& launch, const CallContext& call) {
  refuse_daemonize(launch);
  return run_program(launch, call);
}

RawEnd run_program(const RawLaunch& launch, const CallContext& call) {
  if (on_io_thread()) throw Error(Errc::wrong_thread, "Cannot launch a program and wait for it on the I/O thread");
  check(launch);
  const auto path = path_of(launch.program);
  call.check("'" + path + "' to start");
  (void)reap_left_over();
  call.report("spawn");
  auto program = start(launch, path);
  call.report("run");
  if (program.watch(call)) return program.result();
  const bool cancelled = call.cancel().cancelled();
  const auto signal = program.end(launch.term_grace);
  const auto words = program.last_words();
  throw Error(cancelled ? Errc::cancelled : Errc::timeout,
              "'" + path + "' was ended by " + std::string{signal} + ", because the call was " +
                  (cancelled ? "cancelled" : "over its deadline") + (words.empty() ? "" : ": " + words));
}

}  // namespace visor::sdk

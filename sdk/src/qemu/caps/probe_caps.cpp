// SPDX-License-Identifier: Apache-2.0
#include "probe_caps.hpp"

#include "ask_caps.hpp"
#include "io_thread_impl.hpp"
#include "process/find_program.hpp"
#include "quiet_thread.hpp"
#include "visor/core/error.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/sdk/exit.hpp"
#include "visor/sdk/launch.hpp"
#include "visor/sdk/qmp/commands.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <future>
#include <optional>
#include <thread>
#include <utility>
#include <variant>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

/// How long a QEMU whose monitor is gone, or that was told to quit, gets to end by itself.
constexpr auto end_wait = 500ms;

/// The program and the thread that waits for its end: both are over when this is destroyed.
class ProbedProgram final : private ProgressSink {
 public:
  ProbedProgram(const std::string& binary, UniqueFd monitor, const CallContext& call)
      : monitor_{std::move(monitor)}, forward_{call.cancel(), [this] { give_up_.cancel(); }} {
    const RawLaunch launch{
        .program = binary,
        .arguments = {"-machine", "none", "-nodefaults", "-no-user-config", "-display", "none", "-S", "-chardev",
                      "socket,id=visor-caps,fd=3", "-mon", "chardev=visor-caps,mode=control"},
        .fds = {monitor_.get()},
        .env = plain_environment(),
        .working_dir = "/",
        .no_new_privs = true,
        .end_with_caller = true,
        .term_grace = 200ms};
    std::packaged_task<Ended()> task{[this, launch, deadline = call.deadline()]() -> Ended {
      try {
        return launch_qemu(launch, {deadline, give_up_.token(), this});
      } catch (const Error& error) {
        monitor_.reset();
        return error;
      }
    }};
    end_ = task.get_future();
    thread_ = start_quiet_thread(std::move(task), "Cannot start a thread");
  }
  ProbedProgram(const ProbedProgram&) = delete;
  ProbedProgram& operator=(const ProbedProgram&) = delete;
  ~ProbedProgram() override {
    give_up_.cancel();
    thread_.join();
  }

  /// How it ended; nothing when it still runs after this time.
  std::optional<RawEnd> end_within(std::chrono::milliseconds time) {
    if (end_.wait_for(time) != std::future_status::ready) return std::nullopt;
    return end();
  }
  /// How it ended, when its deadline has passed or is near.
  RawEnd end() {
    auto ended = end_.get();
    if (auto* const error = std::get_if<Error>(&ended)) throw std::move(*error);
    return std::get<RawEnd>(std::move(ended));
  }

 private:
  using Ended = std::variant<RawEnd, Error>;  // values: threads share no exception

  /// Once the program has its end of the monitor no other may be open: else nobody would see it go.
  void progress(std::string_view stage, std::uint64_t, std::uint64_t) noexcept override {
    if (stage == "run") monitor_.reset();
  }

  UniqueFd monitor_;  // the other thread's, once that runs
  CancelSource give_up_;
  CancelCallback forward_;
  std::future<Ended> end_;
  std::thread thread_;
};

std::pair<UniqueFd, UniqueFd> make_monitor() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw system_error("Cannot create a pair of sockets", errno);
  }
  return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

/// Why the monitor failed: the program's own end says more than its silence.
Error explain(const Error& error, ProbedProgram& program, const CallContext& call) {
  try {
    if (error.code() == Errc::timeout) (void)program.end();  // over its deadline as well: says so with its last words
    if (error.code() != Errc::disconnected) return error;
    const auto end = program.end_within(std::min<std::chrono::milliseconds>(end_wait, call.remaining()));
    if (!end) return error;
    const auto words = stderr_excerpt(end->stderr_tail);
    return {Errc::disconnected, "it ended with " + end->status.text() + " before it had answered" +
                                    (words.empty() ? "; is it a QEMU?" : ": " + words)};
  } catch (const Error& why) {
    return why;
  }
}

QemuCaps talk(UniqueFd monitor, ProbedProgram& program, const CallContext& call) {
  const auto client = qmp::Client::connect(std::move(monitor), {.peer = "QEMU", .out_of_band = false}, call);
  auto caps = ask_caps(*client, call);
  try {
    qmp::quit(*client, call.at_most(end_wait));
    (void)program.end_within(end_wait);
  } catch (const Error& error) {
    if (error.code() == Errc::cancelled) throw;  // else it has answered: how it ends does not matter
  }
  return caps;
}

}  // namespace

QemuCaps probe_caps(const std::string& binary, const CallContext& call) {
  if (on_io_thread()) throw Error(Errc::wrong_thread, "Cannot ask a QEMU what it can do on the I/O thread");
  call.check("QEMU to say what it can do");
  call.report("probe");
  auto [ours, theirs] = make_monitor();
  ProbedProgram program{binary, std::move(theirs), call};
  try {
    auto caps = talk(std::move(ours), program, call);
    caps.binary = binary;
    return caps;
  } catch (const Error& error) {
    const auto why = explain(error, program, call);
    throw Error(why.code(), "Cannot find out what the QEMU at " + binary + " can do: " + why.message());
  }
}

}  // namespace visor::sdk

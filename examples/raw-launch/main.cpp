// SPDX-License-Identifier: Apache-2.0
// QEMU by a command line of one's own: it runs on a thread, is asked how it is over QMP, and told to quit.
//   raw-launch [QEMU [ARGUMENT...]]
// Without arguments QEMU gets an empty machine, which needs neither an image nor KVM.
#include "visor/core/error.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/sdk/launch.hpp"
#include "visor/sdk/qmp/client.hpp"
#include "visor/sdk/qmp/commands.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <future>
#include <iostream>
#include <utility>

using namespace std::chrono_literals;
using namespace visor::sdk;

namespace {

/// Both ends of QEMU's monitor: no socket file, and nothing to wait for until it listens.
std::pair<visor::UniqueFd, visor::UniqueFd> monitor_ends() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw visor::system_error("Cannot create a socket", errno);
  }
  return {visor::UniqueFd{ends[0]}, visor::UniqueFd{ends[1]}};
}

RawEnd run(RawLaunch launch) {
  auto [ours, theirs] = monitor_ends();
  launch.fds = {theirs.get()};  // 3 in QEMU
  launch.arguments.insert(launch.arguments.end(),
                          {"-chardev", "socket,id=qmp,fd=3", "-mon", "chardev=qmp,mode=control"});
  // No -daemonize: the call returns when QEMU has ended, so it gets a thread, and a way to be called off.
  visor::CancelSource cancel;
  const visor::CallContext call{std::chrono::steady_clock::now() + 60s, cancel.token()};
  auto ended = std::async(std::launch::async, [&, theirs = std::move(theirs)]() mutable {
    // The last end on that side goes with the call: whoever talks to QEMU then learns that it is gone.
    const visor::UniqueFd until_then{std::move(theirs)};
    return launch_qemu(launch, call);
  });
  try {
    const auto monitor = qmp::Client::connect(std::move(ours), {}, 20s);  // sends qmp_capabilities
    std::cout << "qemu " << to_string(monitor->version()) << ' ' << qmp::query_status(*monitor, 10s).status << '\n';
    qmp::quit(*monitor, 10s);
  } catch (const visor::Error& error) {
    std::cerr << "raw-launch: " << error.message() << '\n';
    cancel.cancel();
  }
  return ended.get();
}

}  // namespace

int main(int argc, char** argv) try {
  RawLaunch launch;
  if (argc > 1) launch.program = argv[1];
  launch.arguments = {"-machine", "none", "-nodefaults", "-display", "none"};
  if (argc > 2) launch.arguments.assign(argv + 2, argv + argc);
  const auto end = run(launch);
  std::cout << end.stderr_tail << "ended with " << end.status.text() << '\n';
  return end.status == ExitStatus{ExitStatus::Kind::code, 0, false} ? EXIT_SUCCESS : EXIT_FAILURE;
} catch (const visor::Error& error) {
  std::cerr << "raw-launch: " << error.message() << '\n';
  return EXIT_FAILURE;
}

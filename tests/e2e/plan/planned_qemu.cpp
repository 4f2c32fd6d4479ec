// SPDX-License-Identifier: Apache-2.0
#include "planned_qemu.hpp"

#include "process/spawn.hpp"
#include "process/unix_socket.hpp"
#include "process/wait.hpp"
#include "visor/core/error.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <array>

namespace visor::test {

PlannedQemu::PlannedQemu(const std::string& program, const std::vector<std::string>& arguments,
                         const std::vector<std::string>& sockets) {
  const UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  stderr_.reset(::memfd_create("qemu-stderr", MFD_CLOEXEC));
  sdk::ProgramStart start{.path = program,
                          .argv = arguments,
                          .env = {},
                          .working_dir = {},
                          .fds = {null.get(), null.get(), stderr_.get()},
                          .credentials = {},
                          .end_with_caller = true};
  std::vector<UniqueFd> listeners;
  for (const auto& path : sockets) {
    ::unlink(path.c_str());
    auto made = sdk::wire::listen_unix(path, SOCK_STREAM);
    if (!made.fd) throw system_error("Cannot listen at " + path, made.error);
    listeners.push_back(std::move(made.fd));
    start.fds.push_back(listeners.back().get());
  }
  auto child = sdk::spawn_program(start);
  pid_ = child.pid;
  pidfd_ = std::move(child.pidfd);
  listeners.clear();  // QEMU has its own; a connection that it never takes is reset when it ends
  sdk::qmp::ClientOptions options;
  options.loss_cause = [this](Deadline deadline) {
    (void)sdk::wait_for(pidfd_.get(), POLLIN, deadline);
    return said();
  };
  try {
    client_ = sdk::qmp::Client::connect(sockets.front(), std::move(options), planned_limit);
  } catch (const Error&) {
    (void)::kill(pid_, SIGKILL);
    (void)wait_end();
    throw;
  }
}

PlannedQemu::~PlannedQemu() {
  client_.reset();
  if (pid_ == 0) return;
  (void)::kill(pid_, SIGKILL);  // not reaped yet, so the number is still its own
  (void)wait_end();
}

std::string PlannedQemu::said() const {
  std::array<char, 4096> buffer{};
  const auto size = ::pread(stderr_.get(), buffer.data(), buffer.size(), 0);
  return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

int PlannedQemu::wait_end() {
  if (!sdk::wait_for(pidfd_.get(), POLLIN, std::chrono::steady_clock::now() + planned_limit)) return -1;
  int status = -1;
  const bool reaped = ::waitpid(pid_, &status, 0) == pid_;
  pid_ = 0;
  return reaped && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int PlannedQemu::quit() {
  (void)client_->execute("quit", planned_limit);
  return wait_end();
}

}  // namespace visor::test

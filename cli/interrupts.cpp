// SPDX-License-Identifier: Apache-2.0
#include "interrupts.hpp"

#include "exit_code.hpp"
#include "terminal.hpp"
#include "visor/core/error.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>

namespace visor::cli {

Interrupts::Interrupts() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    // What the caller ignores, as nohup does with SIGHUP, stays ignored.
    struct sigaction present{};
    if (::sigaction(signal, nullptr, &present) == 0 && present.sa_handler != SIG_IGN) sigaddset(&set, signal);
  }
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  end_.reset(::eventfd(0, EFD_CLOEXEC));
  if (!signals_ || !end_) throw system_error("Cannot watch signals", errno);
  thread_ = std::thread{[this] { watch(); }};
}

Interrupts::~Interrupts() {
  const std::uint64_t one = 1;
  (void)!::write(end_.get(), &one, sizeof one);
  thread_.join();
}

void Interrupts::raise(int signal) noexcept {
  int count = 0;
  {
    const std::scoped_lock lock{mutex_};
    count = ++count_;
    if (count == 1) signal_ = signal;
  }
  if (count == 1) return first_.cancel();
  if (count > 2 || !patient_) {
    restore_terminal();
    std::_Exit(exit_code::by_signal + signal_);
  }
  second_.cancel();
}

void Interrupts::watch() noexcept {
  for (;;) {
    pollfd fds[] = {{signals_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}};
    ::poll(fds, 2, -1);
    if (fds[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) == sizeof info) raise(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace visor::cli

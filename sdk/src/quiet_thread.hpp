// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/error.hpp"

#include <pthread.h>

#include <csignal>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace visor::sdk {

/// Starts a thread that takes no signals: the host program's handlers must run on the host's threads. Throws
/// system_error(failure, …).
template <class Body>
std::thread start_quiet_thread(Body body, std::string_view failure) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread;
  std::error_code problem;
  try {
    thread = std::thread{std::move(body)};
  } catch (const std::system_error& error) {
    problem = error.code();
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (problem) throw system_error(failure, problem.value());
  return thread;
}

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
// Ending processes that no keeper ends: children of the test, some of which cannot be ended at all.
#include "qemu/processes.hpp"

#include "visor/core/unique_fd.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <functional>
#include <stdexcept>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

/// More than a test has.
constexpr auto long_grace = 300s;

Deadline soon() { return std::chrono::steady_clock::now() + 20s; }

/// Two ends of a pipe.
struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    out.reset(ends[0]);
    in.reset(ends[1]);
  }
  void tell() const { (void)!::write(in.get(), "x", 1); }
  void await() const {
    char byte{};
    (void)!::read(out.get(), &byte, 1);
  }
  UniqueFd out;
  UniqueFd in;
};

/// A child of the test that does this and ends with code 5.
ProcessIdentity child(const std::function<void()>& work) {
  const auto pid = ::fork();
  if (pid == 0) {
    work();
    ::_exit(5);
  }
  return *identify(pid);
}

/// How it ended; reaps it.
int status_of(const ProcessIdentity& process) {
  int status = 0;
  EXPECT_EQ(::waitpid(process.pid, &status, 0), process.pid);
  return status;
}

int told_fd = -1;

/// Says at SIGTERM that it was told, and ends.
void obedient(const Pipe& ready, const Pipe& told) {
  told_fd = told.in.get();
  (void)std::signal(SIGTERM, [](int) {
    (void)!::write(told_fd, "x", 1);
    ::_exit(0);
  });
  ready.tell();
  for (;;) ::pause();
}

TEST(EndProcesses, AllAreToldBeforeAnyIsWaitedFor) {
  const Pipe ready;
  const Pipe told;
  const auto deaf = child([&] {  // ends when the other one was told
    (void)std::signal(SIGTERM, SIG_IGN);
    ready.tell();
    told.await();
  });
  const auto other = child([&] { obedient(ready, told); });
  ready.await();
  ready.await();
  EXPECT_TRUE(end_processes({deaf, other}, long_grace, soon()));
  EXPECT_EQ(status_of(deaf), W_EXITCODE(5, 0));
  EXPECT_EQ(status_of(other), 0);
}

TEST(EndProcesses, WithoutAGraceTheyAreKilledAtOnce) {
  const Pipe ready;
  const Pipe told;
  const auto process = child([&] { obedient(ready, told); });
  ready.await();
  EXPECT_TRUE(end_processes({process, {}}, 0ms, soon()));
  EXPECT_EQ(status_of(process), W_EXITCODE(0, SIGKILL));
  EXPECT_TRUE(end_processes({process}, long_grace, soon())) << "it is gone already";
}

}  // namespace
}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
// A command line of the caller's own, without a keeper.
#include "fixture.hpp"
#include "visor/sdk/io_thread.hpp"
#include "visor/sdk/launch.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <future>
#include <optional>

namespace visor::sdk {
namespace {

using std::chrono::milliseconds;

class RawLaunchTest : public ProcessTest {
 protected:
  static RawLaunch shell_script(const std::string& script) {
    return {.program = "/bin/sh", .arguments = {"-c", script}};
  }
  static RawLaunch probe_mode(const std::string& mode) { return {.program = VISOR_TEST_PROBE, .arguments = {mode}}; }

  /// A script that waits for ever once it has said so on descriptor 3; the call is cancelled then.
  static Error cancel_when_ready(RawLaunch launch) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const UniqueFd ours{ends[0]};
    UniqueFd theirs{ends[1]};
    launch.fds = {theirs.get()};
    CancelSource cancel;
    auto error = std::async(std::launch::async,
                            [&] { return error_of([&] { (void)launch_qemu(launch, {soon(), cancel.token()}); }); });
    read_until(ours.get(), "ready");
    cancel.cancel();
    return error.get();
  }
};

TEST_F(RawLaunchTest, GivesTheExitCodeAndTheLastWords) {
  const auto end = launch_qemu(shell_script("echo no such machine >&2; exit 3"), soon());
  EXPECT_EQ(end.status.text(), "exit code 3");
  EXPECT_EQ(end.stderr_tail, "no such machine\n");
}

TEST_F(RawLaunchTest, EndsWithAKilledCallerWhenAsked) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd ours{ends[0]};
  UniqueFd theirs{ends[1]};
  auto launch = shell_script("echo ready >&3; exec sleep 1000");
  launch.fds = {theirs.get()};
  launch.end_with_caller = true;
  const auto caller = ::fork();
  if (caller == 0) {
    (void)launch_qemu(launch, soon());
    ::_exit(0);
  }
  theirs.reset();
  read_until(ours.get(), "ready");
  ASSERT_EQ(::kill(caller, SIGKILL), 0);
  EXPECT_EQ(read_all(ours.get()), "") << "the program has its end of the pipe open for as long as it lives";
  ASSERT_EQ(::waitpid(caller, nullptr, 0), caller);
}

TEST_F(RawLaunchTest, RefusesTheIoThread) {
  const auto io = IoThread::shared();
  std::optional<Error> error;
  io->run_and_wait([&] { error = error_of([&] { (void)launch_qemu(shell_script("exit 0"), soon()); }); });
  ASSERT_TRUE(error);
  EXPECT_EQ(to_string(error->code()), "wrong_thread");
  EXPECT_EQ(launch_qemu(shell_script("exit 0"), soon()).status.text(), "exit code 0");
}

TEST_F(RawLaunchTest, GivesTheSignal) {
  EXPECT_EQ(launch_qemu(shell_script("kill -KILL $$"), soon()).status.text(), "signal 9");
}

TEST_F(RawLaunchTest, KeepsTheEndOfStderrAlone) {
  auto launch = shell_script("head -c 300000 /dev/zero >&2; printf last >&2");
  launch.stderr_bytes = 1000;
  const auto end = launch_qemu(launch, soon());
  EXPECT_EQ(end.stderr_tail, std::string(996, '\0') + "last");
}

TEST_F(RawLaunchTest, DoesNotWaitForWhoHoldsItsStderr) {
  const auto end = launch_qemu(shell_script("sleep 60 & echo $! >&2"), soon());
  EXPECT_EQ(end.status.text(), "exit code 0");
  ASSERT_EQ(::kill(std::stoi(end.stderr_tail), SIGKILL), 0);
}

TEST_F(RawLaunchTest, IsFoundByItsName) {
  auto launch = shell_script("exit 0");
  launch.program = "sh";
  EXPECT_EQ(launch_qemu(launch, soon()).status.text(), "exit code 0");
}

TEST_F(RawLaunchTest, ACancelledCallEndsIt) {
  const auto error = cancel_when_ready(shell_script("echo words >&2; echo ready >&3; exec sleep 1000"));
  EXPECT_EQ(to_string(error.code()), "cancelled");
  EXPECT_NE(error.message().find("ended by SIGTERM"), std::string::npos) << error.message();
  EXPECT_NE(error.message().find("words"), std::string::npos) << error.message();
}

TEST_F(RawLaunchTest, WhatIgnoresTermIsKilled) {
  auto launch = shell_script("trap '' TERM; echo ready >&3; exec sleep 1000");
  launch.term_grace = milliseconds(30);
  const auto error = cancel_when_ready(launch);
  EXPECT_EQ(to_string(error.code()), "cancelled");
  EXPECT_NE(error.message().find("ended by SIGKILL"), std::string::npos) << error.message();
}

TEST_F(RawLaunchTest, ADeadlineEndsIt) {
  const auto error = error_of([] { (void)launch_qemu(shell_script("exec sleep 1000"), milliseconds(50)); });
  EXPECT_EQ(to_string(error.code()), "timeout") << error.message();
}

TEST_F(RawLaunchTest, ACallThatIsOverStartsNothing) {
  CancelSource cancel;
  cancel.cancel();
  const auto launch = shell_script("touch " + file("started"));
  const auto error = error_of([&] { (void)launch_qemu(launch, {soon(), cancel.token()}); });
  EXPECT_EQ(to_string(error.code()), "cancelled");
  EXPECT_FALSE(exists(file("started")));
}

TEST_F(RawLaunchTest, AMissingProgramIsNamed) {
  const auto error_with = [](const std::string& program) {
    return error_of([&] { (void)launch_qemu({.program = program}, soon()); });
  };
  const auto by_path = error_with("/no/such/qemu");
  EXPECT_EQ(to_string(by_path.code()), "not_found");
  EXPECT_NE(by_path.message().find("/no/such/qemu"), std::string::npos) << by_path.message();
  const auto by_name = error_with("no-such-qemu");
  EXPECT_EQ(to_string(by_name.code()), "not_found");
  EXPECT_NE(by_name.message().find("$PATH"), std::string::npos) << by_name.message();
  EXPECT_EQ(to_string(error_with("/etc/passwd").code()), "permission_denied");
}

TEST_F(RawLaunchTest, DaemonizeIsRefusedWithTheReason) {
  for (const auto* word : {"-daemonize", "--daemonize"}) {
    const auto error = error_of([&] { (void)launch_qemu({.program = "/bin/true", .arguments = {word}}, soon()); });
    EXPECT_EQ(to_string(error.code()), "invalid_config");
    EXPECT_NE(error.message().find("thread of its own"), std::string::npos) << error.message();
  }
}

TEST_F(RawLaunchTest, WhatCannotBePassedOnIsRefused) {
  const auto code = [](const RawLaunch& launch) {
    return to_string(error_of([&] { (void)launch_qemu(launch, soon()); }).code());
  };
  EXPECT_EQ(code({.program = ""}), "invalid_config");
  EXPECT_EQ(code({.program = "/bin/true", .arguments = {std::string("a\0b", 3)}}), "invalid_config");
  EXPECT_EQ(code({.program = "/bin/true", .fds = {1 << 20}}), "invalid_config");
  EXPECT_EQ(code({.program = "/bin/true", .env = {"no value"}}), "invalid_config");
}

TEST_F(RawLaunchTest, PassesItsDescriptorsAndNoOthers) {
  const UniqueFd open_to_all{::open("/dev/zero", O_RDONLY)};  // not close-on-exec
  const UniqueFd first{::open("/dev/full", O_RDONLY | O_CLOEXEC)};
  const UniqueFd second{::open("/dev/urandom", O_RDONLY | O_CLOEXEC)};
  auto launch = probe_mode("fds");
  launch.fds = {second.get(), first.get(), second.get()};
  const auto end = launch_qemu(launch, soon());
  EXPECT_EQ(end.stderr_tail, "0 /dev/null\n1 /dev/null\n2 pipe\n3 /dev/urandom\n4 /dev/full\n5 /dev/urandom\n");
}

TEST_F(RawLaunchTest, AppliesEnvironmentFolderAndPrivileges) {
  auto launch = probe_mode("rights");
  launch.env = {"ONE=1"};
  launch.working_dir = "/usr";
  launch.no_new_privs = true;
  const auto end = launch_qemu(launch, soon());
  EXPECT_NE(end.stderr_tail.find("privs=1 cwd=/usr leader=1\nenv ONE=1\n"), std::string::npos) << end.stderr_tail;
  EXPECT_EQ(end.stderr_tail.find("env PATH"), std::string::npos) << end.stderr_tail;
}

TEST_F(RawLaunchTest, TakesOtherCredentials) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may become somebody else";
  auto launch = shell_script("id -u >&2; id -g >&2; id -G >&2");
  launch.credentials = Credentials{.uid = 65534, .gid = 65533, .groups = {65532}};
  EXPECT_EQ(launch_qemu(launch, soon()).stderr_tail, "65534\n65533\n65533 65532\n");
  EXPECT_EQ(::geteuid(), 0U);
}

TEST_F(RawLaunchTest, SignalsAreAsTheyAreByDefault) {
  const auto before = ::signal(SIGUSR1, SIG_IGN);
  const auto end = launch_qemu(shell_script("grep -E 'Sig(Blk|Ign)' /proc/self/status >&2"), soon());
  (void)::signal(SIGUSR1, before);
  EXPECT_EQ(end.stderr_tail, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

}  // namespace
}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
// A helper that even SIGKILL does not end.
#include "fixture.hpp"
#include "qemu-amd64/amd64_arch.hpp"
#include "visor/core/params.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/sdk/process/process_identity.hpp"
#include "visor/sdk/qemu/qemu_plugin.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace visor::sdk {
namespace {

/// The init of a process namespace, killed or not, ends after every process in it: one is a zombie, and its parent,
/// outside, does not reap it before release().
class StuckProcess {
 public:
  StuckProcess() {
    std::array<int, 2> say{};
    std::array<int, 2> hold{};
    if (::pipe2(say.data(), O_CLOEXEC) != 0 || ::pipe2(hold.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    const UniqueFd said{say[0]};
    UniqueFd saying{say[1]};
    UniqueFd held{hold[0]};
    hold_.reset(hold[1]);
    parent_ = ::fork();
    if (parent_ == 0) {
      hold_.reset();
      be_parent(saying.get(), held.get());
    }
    saying.reset();
    pid_t pid = 0;
    if (::read(said.get(), &pid, sizeof pid) == sizeof pid) identity_ = identify(pid).value_or(ProcessIdentity{});
  }
  StuckProcess(const StuckProcess&) = delete;
  StuckProcess& operator=(const StuckProcess&) = delete;
  ~StuckProcess() { release(); }

  /// Its pid is 0 where namespaces are not to be had.
  [[nodiscard]] const ProcessIdentity& identity() const { return identity_; }
  void release() {
    hold_.reset();
    if (parent_ > 0) (void)::waitpid(std::exchange(parent_, 0), nullptr, 0);
  }

 private:
  [[noreturn]] static void be_parent(int say, int hold) {
    if (::unshare(CLONE_NEWPID | (::geteuid() == 0 ? 0 : CLONE_NEWUSER)) != 0) ::_exit(1);
    const auto init = ::fork();
    if (init == 0) {
      for (;;) ::pause();
    }
    if (init > 0 && ::fork() == 0) ::_exit(0);
    char byte{};
    siginfo_t info{};
    (void)::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT);  // the zombie is one
    (void)!::write(say, &init, sizeof init);
    (void)!::read(hold, &byte, 1);
    (void)::kill(init, SIGKILL);
    while (::wait(nullptr) > 0) {
    }
    ::_exit(0);
  }

  UniqueFd hold_;
  pid_t parent_ = 0;
  ProcessIdentity identity_;
};

TEST_F(DriverTest, AHelperThatCannotBeEndedIsRememberedForTheStop) {
  StuckProcess stuck;
  const auto& identity = stuck.identity();
  if (identity.pid == 0) GTEST_SKIP() << "no process namespace can be made";
  HostContext host;
  host.keeper_path = VISOR_TEST_DEAF_KEEPER;
  add_param(host.options, "caps_cache_dir", "off");
  const auto hypervisor = make_qemu_hypervisor(host, std::make_unique<amd64::Amd64Arch>());
  std::filesystem::create_directory(run_dir());
  std::ofstream{run_dir() / "helper"} << "stuck " << identity.pid << ' ' << identity.start_time;
  const auto vm = hypervisor->create(config(), "vm", run_dir());
  EXPECT_EQ(to_string(error_of([&] { vm->start(1s); }).code()), "timeout");
  EXPECT_EQ(vm->pids(), std::vector<std::int32_t>{identity.pid});
  EXPECT_NE(vm->status(limit).state, VmState::created);
  stuck.release();
  vm->stop({.force = true}, limit);
  EXPECT_TRUE(vm->pids().empty());
  expect_nothing_runs();
}

}  // namespace
}  // namespace visor::sdk

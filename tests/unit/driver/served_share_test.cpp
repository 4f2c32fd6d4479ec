// SPDX-License-Identifier: Apache-2.0
// The virtio-fs daemon of a share, a script in its place: it comes before QEMU and goes with it, however that goes.
#include "fixture.hpp"
#include "support/suspend.hpp"
#include "visor/core/events.hpp"
#include "visor/core/file.hpp"

#include <unistd.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <thread>

namespace visor::sdk {
namespace {

bool eventually(const std::function<bool()>& condition) {
  const CallContext call{limit};
  while (!condition()) {
    if (call.expired()) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

class ServedShare : public DriverTest {
 protected:
  [[nodiscard]] std::filesystem::path root() const { return run_dir().parent_path(); }
  /// Puts a script in the daemon's place; it has said in the file "pid" who it is.
  void daemon(const std::string& script) const {
    const auto file = root() / "daemon";
    std::ofstream{file} << "#!/bin/sh\n" << script << '\n';
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    std::filesystem::remove(root() / "pid");
  }
  [[nodiscard]] std::string say_pid() const {
    const auto file = (root() / "pid").string();
    return "echo $$ >" + file + ".new; mv " + file + ".new " + file + "; ";
  }
  [[nodiscard]] bool has_pid() const { return std::filesystem::exists(root() / "pid"); }
  [[nodiscard]] int pid() const { return std::stoi(read_file(root() / "pid")); }

  std::unique_ptr<Vm> create_served(const std::string& program = {}, Accelerator accelerator = Accelerator::tcg) {
    auto config = this->config();
    config.machine.accelerator = accelerator;
    config.shared_fs.daemon = program.empty() ? (root() / "daemon").string() : program;
    config.shared_fs.daemon_args = {"--more"};
    ShareConfig share;
    share.id = "s";
    share.path = root().string();
    share.tag = "t";
    share.type = ShareType::virtio_fs;
    config.devices = {share};
    std::filesystem::create_directory(run_dir());
    return hypervisor().create(config, "vm", run_dir());
  }
  Error failed_start(Vm& vm, const CallContext& call = limit) {
    auto error = error_of([&] { vm.start(call); });
    EXPECT_EQ(vm.status(limit).state, VmState::created);
    expect_nothing_runs();
    return error;
  }
};

/// Holds a start up until something is so.
class HoldAt final : public ProgressSink {
 public:
  HoldAt(std::string stage, std::function<bool()> condition)
      : stage_{std::move(stage)}, condition_{std::move(condition)} {}
  void progress(std::string_view stage, std::uint64_t, std::uint64_t) noexcept override {
    if (stage == stage_) held_ = eventually(condition_);
  }
  [[nodiscard]] bool held() const { return held_; }

 private:
  std::string stage_;
  std::function<bool()> condition_;
  bool held_ = false;
};

Event next_of(EventQueue& events, EventKind kind) {
  for (;;) {
    auto event = events.next(limit);
    if (!event) break;
    if (event->kind == kind) return *event;
  }
  ADD_FAILURE() << "no " << to_string(kind) << " came";
  return {};
}

TEST_F(ServedShare, TheDaemonListensInTheRunFolderAndGoesWithTheVm) {
  daemon("echo \"$@\" >" + (root() / "args").string() + "; ls -l /proc/$$/fd >&2; " + say_pid() + "exec sleep 1000");
  const auto vm = create_served();
  vm->start(limit);
  ASSERT_TRUE(eventually([&] { return has_pid(); }));
  EXPECT_EQ(read_file(root() / "args"), "--fd=3 -f -o source=" + root().string() + " -o cache=none --more\n");
  EXPECT_TRUE(std::filesystem::is_socket(run_dir() / "fs-s.sock"));
  const auto pids = vm->pids();
  EXPECT_EQ(pids.size(), 3U);
  EXPECT_EQ(pids.back(), pid());
  vm->stop({.force = true}, limit);
  expect_nothing_runs();
  EXPECT_NE(read_file(run_dir() / "fs-s.log").find("3 -> socket:"), std::string::npos);
}

TEST_F(ServedShare, WithoutTheDaemonTheStartSaysWhatToInstall) {
  const auto vm = create_served("/no/such/virtiofsd");
  const auto error = failed_start(*vm);
  EXPECT_EQ(to_string(error.code()), "not_found");
  EXPECT_EQ(error.message().find("shared_fs.daemon: /no/such/virtiofsd does not exist"), 0U) << error.message();
  EXPECT_NE(error.message().find("qemu-system-common"), std::string::npos) << error.message();
}

TEST_F(ServedShare, ADaemonThatDiesDuringTheStartFailsItWithItsWords) {
  const auto go = root() / "go";
  daemon(say_pid() + "while [ ! -e " + go.string() + " ]; do sleep 0.01; done; echo 'no such folder' >&2; exit 4");
  const auto vm = create_served();
  HoldAt dead{"negotiate", [&] {
                std::ofstream{go}.flush();
                return has_pid() && ::kill(pid(), 0) != 0;
              }};
  const auto error = failed_start(*vm, {std::chrono::steady_clock::now() + limit, {}, &dead});
  EXPECT_TRUE(dead.held());
  EXPECT_EQ(to_string(error.code()), "disconnected");
  // Whether QEMU found nobody at the socket or was connected already.
  EXPECT_NE(error.message().find("helper fs-s ended with exit code 4: no such folder"), std::string::npos)
      << error.message();
  daemon("exec sleep 1000");
  vm->start(limit);
  vm->stop({.force = true}, limit);
}

/// The guest is emulated when KVM does not work, and not because a daemon does not.
TEST_F(ServedShare, ADaemonThatFailsIsNotBlamedOnKvm) {
  if (::access("/dev/kvm", R_OK | W_OK) != 0) GTEST_SKIP() << "there is no /dev/kvm that could be blamed";
  const auto starts = root() / "starts";
  daemon("echo >>" + starts.string() + "; " + say_pid() + "exit 4");
  set_words({"greeting=exit", "exit-code=3"});  // after the daemon
  const auto vm = create_served({}, Accelerator::automatic);
  HoldAt dead{"negotiate", [&] { return has_pid() && ::kill(pid(), 0) != 0; }};
  const auto error = failed_start(*vm, {std::chrono::steady_clock::now() + limit, {}, &dead});
  EXPECT_NE(error.message().find("The helper fs-s ended with exit code 4"), std::string::npos) << error.message();
  EXPECT_NE(error.message().find("shared_fs.daemon"), std::string::npos) << error.message();
  EXPECT_EQ(read_file(starts), "\n") << "QEMU was started a second time";
}

TEST_F(ServedShare, AQemuThatWaitsForADaemonThatHangsIsSaidTo) {
  daemon("echo 'still thinking' >&2; " + say_pid() + "trap 'touch " + (root() / "told").string() +
         "' TERM; while :; do sleep 0.02; done");
  set_words({"greeting=silence"});
  const auto vm = create_served();
  HoldAt hanging{"negotiate", [&] { return has_pid(); }};
  const auto error = failed_start(*vm, {std::chrono::steady_clock::now() + 2s, {}, &hanging});
  EXPECT_TRUE(hanging.held());
  EXPECT_EQ(to_string(error.code()), "timeout");
  EXPECT_NE(error.message().find("the helper fs-s said last: still thinking"), std::string::npos) << error.message();
  EXPECT_FALSE(std::filesystem::exists(root() / "told")) << "it was given time that the start no longer had";
}

TEST_F(ServedShare, AQemuThatFailsTakesTheDaemonWithIt) {
  daemon(say_pid() + "exec sleep 1000");
  set_words({"start=exit", "exit-code=3"});
  const auto vm = create_served();
  EXPECT_NE(failed_start(*vm).message().find("QEMU ended with exit code 3"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(run_dir() / "fs-s.sock"));
}

TEST_F(ServedShare, ADaemonThatDiesLaterIsToldWithItsWordsAndTheVmRunsOn) {
  daemon("trap 'echo out of memory >&2; exit 7' USR1; " + say_pid() + "while :; do sleep 0.02; done");
  const auto vm = create_served();
  vm->start(limit);
  const auto events = vm->events();
  ASSERT_TRUE(eventually([&] { return has_pid(); }));
  ASSERT_EQ(::kill(pid(), SIGUSR1), 0);
  const auto event = next_of(*events, EventKind::helper_exited);
  EXPECT_EQ(event.data.at("helper").as_string(), "fs-s");
  EXPECT_EQ(event.data.at("status").as_string(), "exit code 7");
  EXPECT_EQ(event.data.at("stderr").as_string(), "out of memory");
  log().expect("The helper fs-s ended with exit code 7: out of memory");
  EXPECT_EQ(vm->status(limit).state, VmState::running);
  EXPECT_EQ(vm->pids().size(), 2U);
  vm->stop({.force = true}, limit);
}

TEST_F(ServedShare, WithoutAKeeperTheDaemonIsEndedAsWell) {
  daemon(say_pid() + "exec sleep 1000");
  const auto vm = create_served();
  vm->start(limit);
  ASSERT_TRUE(eventually([&] { return has_pid(); }));
  ASSERT_EQ(::kill(vm->record().keeper.pid, SIGKILL), 0);
  log().expect("The keeper died");
  vm->stop({.force = true}, limit);
  expect_nothing_runs();
}

/// Keeper and QEMU were killed, and the helper hangs: whoever comes later ends it.
TEST_F(ServedShare, ADaemonThatOutlivedTheVmIsEndedByALaterStop) {
  daemon(say_pid() + "exec sleep 1000");
  auto vm = create_served();
  vm->start(limit);
  ASSERT_TRUE(eventually([&] { return has_pid(); }));
  const auto record = vm->record();
  vm->disconnect();
  vm.reset();
  ASSERT_TRUE(test::suspend(pid()));
  ASSERT_EQ(::kill(record.keeper.pid, SIGKILL), 0);
  ASSERT_EQ(::kill(record.hypervisor.pid, SIGKILL), 0);
  vm = hypervisor().attach(record, limit);
  ASSERT_TRUE(eventually([&] { return vm->status(limit).state == VmState::failed; }));
  EXPECT_EQ(vm->pids(), std::vector{pid()});
  EXPECT_EQ(to_string(vm->stop({.force = true}, limit).rung), "already_stopped");
  expect_nothing_runs();
}

TEST_F(ServedShare, ANewKeeperTakesTheDaemonOver) {
  daemon(say_pid() + "exec sleep 1000");
  auto vm = create_served();
  vm->start(limit);
  ASSERT_TRUE(eventually([&] { return has_pid(); }));
  ASSERT_EQ(::kill(vm->record().keeper.pid, SIGKILL), 0);
  log().expect("The keeper died");
  const auto record = vm->record();
  vm.reset();
  vm = hypervisor().attach(record, limit);
  vm->pause(limit);
  log().expect("a new one takes over");
  const auto events = vm->events();
  ASSERT_EQ(::kill(pid(), SIGKILL), 0);
  EXPECT_EQ(next_of(*events, EventKind::helper_exited).data.at("helper").as_string(), "fs-s");
  vm->stop({.force = true}, limit);
  expect_nothing_runs();
}

}  // namespace
}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
// The command beside other processes: its VM ends with it, can be stopped beside it, or is left to live on.
#include "guest.hpp"
#include "support/suspend.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/file.hpp"
#include "visor/core/json.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>

extern char** environ;

namespace visor::test {
namespace {

/// `visor …` as a child process; killed when the test forgets it.
class Command {
 public:
  Command(std::vector<std::string> arguments, const std::string& log) {
    arguments.insert(arguments.begin(), VISOR_TEST_COMMAND);
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
    EXPECT_EQ(::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
  }
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  ~Command() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  void signal(int number) const { ASSERT_EQ(::kill(pid_, number), 0); }
  void suspend() const { ASSERT_TRUE(test::suspend(pid_)); }
  /// The exit code, or minus the signal; -1000 when it has not ended in time.
  int wait() {
    int status = 0;
    if (!eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, 60s)) return -1000;
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = 0;
};

class BesideTheCommand : public QemuTest {
 protected:
  std::vector<std::string> run(const std::vector<std::string>& options = {}) {
    const auto file = (run_dir_.string() + "-vm.json");
    std::ofstream{file} << to_json(to_value(config()));
    std::vector<std::string> arguments{
        "--plugin-dir", VISOR_TEST_PLUGIN_DIR, "--run-dir", run_dir_.string(), "run", "--id", "vm", file};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return arguments;
  }
  [[nodiscard]] std::string log() const { return run_dir_.string() + "-log"; }
  void TearDown() override {
    std::filesystem::remove(run_dir_.string() + "-vm.json");
    std::filesystem::remove(log());
    std::filesystem::remove(run_dir_.string() + "-qemu");
    QemuTest::TearDown();
  }
  /// A handle for the VM once the guest answers.
  std::unique_ptr<Vm> ready() {
    EXPECT_TRUE(eventually([&] { return runtime_->store().contains("vm") && !sockets_in(folder()).empty(); }, 30s));
    EXPECT_TRUE(
        eventually([&] { return runtime_->look("vm", 5s).status.value_or(VmStatus{}).state == VmState::running; }));
    auto vm = runtime_->attach("vm", 10s);
    vm->wait_ready(boot_limit);
    return vm;
  }
};

TEST_F(BesideTheCommand, AKilledCommandTakesItsVmAlong) {
  const Command command{run(), log()};
  const auto vm = ready();
  command.signal(SIGKILL);
  EXPECT_TRUE(eventually([&] { return processes_of(folder().string()).empty(); })) << "QEMU or its keeper is left";
  EXPECT_NE(vm->status(5s).state, VmState::running);
}

TEST_F(BesideTheCommand, StopAsksTheCommandFirst) {
  Command command{run({"--keep"}), log()};
  const auto stopped = ready()->stop({}, 60s);
  EXPECT_EQ(to_string(stopped.rung), "owner");
  EXPECT_EQ(to_string(stopped.exit.cause), "guest_shutdown");
  EXPECT_EQ(command.wait(), 0);
}

TEST_F(BesideTheCommand, StopEndsTheVmOfACommandThatDoesNotAnswer) {
  Command command{run({"--keep"}), log()};
  const auto vm = ready();
  command.suspend();
  const auto stopped = vm->stop({}, 60s);
  EXPECT_EQ(to_string(stopped.rung), "terminate");
  command.signal(SIGCONT);
  EXPECT_NE(command.wait(), -1000);
}

TEST_F(BesideTheCommand, InterruptWalksTheLadder) {
  Command command{run({"--keep"}), log()};
  const auto vm = ready();
  command.signal(SIGINT);
  EXPECT_NE(command.wait(), -1000);
  EXPECT_EQ(to_string(vm->wait_exit(10s).cause), "guest_shutdown");
}

TEST_F(BesideTheCommand, AnEmulatedGuestIsToldOfOnce) {
  const auto qemu = run_dir_.string() + "-qemu";  // its KVM works nowhere
  std::ofstream{qemu} << "#!/bin/sh\ncase \"$*\" in *accel=kvm*) echo 'no such luck' >&2; exit 1;; esac\n"
                      << "exec qemu-system-x86_64 \"$@\"\n";
  std::filesystem::permissions(qemu, std::filesystem::perms::owner_all);
  Command command{run({"--keep", "--set", "machine.accelerator=auto", "--set", "host.hypervisor_path=" + qemu}), log()};
  const auto vm = ready();
  EXPECT_EQ(vm->record().blob.at("accelerator").as_string(), "tcg");
  vm->stop({}, 60s);
  EXPECT_EQ(command.wait(), 0);
  const auto said = read_file(log());
  const std::string notice =
      "warning: vm: The guest is emulated (TCG), which is slower, because KVM is not usable here";
  const auto first = said.find(notice);
  ASSERT_NE(first, std::string::npos) << said;
  EXPECT_EQ(said.find(notice, first + 1), std::string::npos) << said;
}

TEST_F(BesideTheCommand, ADetachedVmLivesOn) {
  Command command{run({"--detach"}), log()};
  EXPECT_EQ(command.wait(), 0);
  const auto vm = ready();
  EXPECT_EQ(vm->status(5s).state, VmState::running);
  EXPECT_EQ(to_string(vm->stop({}, 60s).rung), "guest");
}

}  // namespace
}  // namespace visor::test

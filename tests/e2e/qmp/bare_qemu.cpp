// SPDX-License-Identifier: Apache-2.0
#include "bare_qemu.hpp"

#include "support/in_path.hpp"
#include "support/suspend.hpp"
#include "visor/core/error.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

namespace visor::test {
namespace {

constexpr int monitor_fd = 3;  // in QEMU

bool has(const std::vector<std::string>& arguments, const std::string& option) {
  return std::find(arguments.begin(), arguments.end(), option) != arguments.end();
}

/// Starts a program with a monitor's socket and stderr; only async-signal-safe calls between fork() and exec().
int spawn(const std::string& program, std::vector<std::string> arguments, int monitor, int error) {
  arguments.insert(arguments.begin(), program);
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const int parent = ::getpid();
  const int pid = ::fork();
  if (pid < 0) throw system_error("Cannot fork", errno);
  if (pid > 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int null = ::open("/dev/null", O_RDWR);
  if (null < 0 || ::getppid() != parent || ::dup2(null, 0) < 0 || ::dup2(null, 1) < 0 || ::dup2(error, 2) < 0)
    ::_exit(126);
  // A descriptor that is there already would stay close-on-exec.
  if (monitor == monitor_fd ? ::fcntl(monitor, F_SETFD, 0) < 0 : ::dup2(monitor, monitor_fd) < 0) ::_exit(126);
  ::execv(program.c_str(), argv.data());
  ::_exit(127);
}

}  // namespace

const std::vector<QemuTarget>& qemu_targets() {
  static const std::vector<QemuTarget> targets = {{"x86_64", "q35"},
                                                  {"aarch64", "virt"},
                                                  {"ppc64", "pseries,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken"},
                                                  {"s390x", "s390-ccw-virtio", "ccw"}};
  return targets;
}

void PrintTo(const QemuTarget& target, std::ostream* out) { *out << target.name; }

std::string target_name(const ::testing::TestParamInfo<QemuTarget>& info) { return info.param.name; }

std::string qemu_program(const QemuTarget& target) { return test::program_in_path("qemu-system-" + target.name); }

std::unique_ptr<BareQemu> BareQemu::without_machine(const QemuTarget& target) {
  return std::make_unique<BareQemu>(target, std::vector<std::string>{"-machine", "none"});
}

std::unique_ptr<BareQemu> BareQemu::with_machine(const QemuTarget& target, std::vector<std::string> arguments) {
  std::vector<std::string> all = {"-machine", target.machine, "-accel", "tcg"};
  if (!has(arguments, "-m")) all.insert(all.end(), {"-m", "256"});
  if (!has(arguments, "-smp")) all.insert(all.end(), {"-smp", "1"});
  all.insert(all.end(), std::make_move_iterator(arguments.begin()), std::make_move_iterator(arguments.end()));
  return std::make_unique<BareQemu>(target, std::move(all));
}

BareQemu::BareQemu(const QemuTarget& target, std::vector<std::string> arguments, sdk::qmp::ClientOptions options) {
  const auto more = {"-S", "-nodefaults", "-no-user-config", "-display", "none", "-no-shutdown"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  arguments.insert(arguments.end(), {"-chardev", "socket,id=qmp,fd=" + std::to_string(monitor_fd)});
  arguments.insert(arguments.end(), {"-mon", "chardev=qmp,mode=control"});
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) throw system_error("socketpair", errno);
  UniqueFd ours{ends[0]};
  UniqueFd theirs{ends[1]};
  stderr_.reset(::memfd_create("qemu-stderr", MFD_CLOEXEC));
  pid_ = spawn(qemu_program(target), std::move(arguments), theirs.get(), stderr_.get());
  theirs.reset();
  pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  options.peer = "qemu-system-" + target.name;
  options.loss_cause = [this](Deadline) { return stderr_text(); };
  try {
    client_ = sdk::qmp::Client::connect(std::move(ours), std::move(options), qemu_limit);
  } catch (const Error&) {
    ::kill(pid_, SIGKILL);
    (void)wait_end();
    throw;
  }
}

BareQemu::~BareQemu() {
  client_.reset();
  if (status_ < 0) ::kill(pid_, SIGKILL);  // not reaped yet, so the number is still its own
  (void)wait_end();
}

void BareQemu::freeze() { ASSERT_TRUE(test::suspend(pid_)); }

void BareQemu::thaw() { ASSERT_EQ(::kill(pid_, SIGCONT), 0); }

int BareQemu::wait_end(std::chrono::milliseconds limit) {
  if (status_ >= 0) return status_;
  pollfd exit{pidfd_.get(), POLLIN, 0};
  if (::poll(&exit, 1, static_cast<int>(limit.count())) != 1) return -1;
  int status = -1;
  if (::waitpid(pid_, &status, 0) == pid_) status_ = status;
  return status_;
}

std::string BareQemu::stderr_text() const {
  std::array<char, 4096> buffer{};
  const auto size = ::pread(stderr_.get(), buffer.data(), buffer.size(), 0);
  return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

TestFolder::TestFolder() {
  path_ = (std::filesystem::temp_directory_path() / "visor-qmp-XXXXXX").string();
  if (::mkdtemp(path_.data()) == nullptr) throw system_error("Cannot make a folder for the test", errno);
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void give_fd(sdk::qmp::Client& client, const std::string& name, int fd) {
  (void)client.call({.name = "getfd", .arguments = Value::map({{"fdname", name}}), .fd = fd}, qemu_limit).value();
}

void EachQemu::SetUp() {
  if (qemu_program(GetParam()).empty()) GTEST_SKIP() << "qemu-system-" << GetParam().name << " is not installed";
}

}  // namespace visor::test

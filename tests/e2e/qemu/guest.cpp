// SPDX-License-Identifier: Apache-2.0
#include "guest.hpp"

#include "visor/core/error.hpp"
#include "visor/core/file.hpp"
#include "visor/core/json.hpp"
#include "visor/runtime/log_sink.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace visor::test {
namespace {

std::string read_some(int fd, const CallContext& call) {
  pollfd poll_fd{fd, POLLIN, 0};
  call.check("the guest's agent");
  (void)::poll(&poll_fd, 1, static_cast<int>(std::min<std::int64_t>(call.remaining().count(), 1000)));
  std::array<char, 4096> buffer{};
  const auto size = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size == 0) throw Error(Errc::disconnected, "The agent's socket was closed");
  if (size < 0 && errno != EAGAIN) throw system_error("Cannot read the agent's socket", errno);
  return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

std::string guest_variable(std::string_view arch) {
  std::string name = "VISOR_GUEST_";
  for (const char c : arch) name += static_cast<char>(std::toupper(c));
  return name;
}

}  // namespace

const GuestArch& guest_arch(std::string_view name) {
  static constexpr GuestArch all[] = {
      {"amd64", "q35", "x86_64", "pci", "ttyS0", ""},
      {"arm64", "virt", "aarch64", "pci", "ttyAMA0", ""},
      {"ppc64le", "pseries", "ppc64le", "pci", "hvc0", "x-vof=on"},  // 4 s less of firmware
      {"s390x", "s390-ccw-virtio", "s390x", "ccw", "ttysclp0", ""},
  };
  return *std::ranges::find(all, name, &GuestArch::name);
}

std::filesystem::path guest_dir(std::string_view arch) {
  const char* folder = std::getenv(guest_variable(arch).c_str());
  return folder != nullptr ? folder : "";
}

Agent::Agent(const std::string& path) : socket_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    throw system_error("Cannot connect to " + path, errno);
  }
}

std::string Agent::read_line(const CallContext& call) {
  for (;;) {
    const auto end = buffer_.find('\n');
    if (end != std::string::npos) {
      auto line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    buffer_ += read_some(socket_.get(), call);
  }
}

std::string Agent::take(std::size_t size, const CallContext& call) {
  while (buffer_.size() < size) buffer_ += read_some(socket_.get(), call);
  auto out = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return out;
}

Answer Agent::run(const std::string& command, const CallContext& call) {
  const auto line = command + "\n";
  if (::send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
    throw system_error("Cannot write to the agent", errno);
  }
  try {
    return answer(call);
  } catch (const Error& error) {
    throw Error(error.code(), error.message() + ", which was told: " + command);
  }
}

Answer Agent::answer(const CallContext& call) {
  const auto head = read_line(call);
  Answer answer;
  std::size_t size = 0;
  if (std::sscanf(head.c_str(), "@%d %zu", &answer.status, &size) != 2) {
    throw Error(Errc::internal, "The agent answered '" + head + "'");
  }
  answer.output = take(size, call);
  return answer;
}

std::string Agent::ask(const std::string& command) {
  auto answer = run(command);
  EXPECT_EQ(answer.status, 0) << command << ": " << answer.output;
  if (!answer.output.empty() && answer.output.back() == '\n') answer.output.pop_back();
  return answer.output;
}

std::string read_console_until(Vm& vm, const std::string& text, const CallContext& call) {
  const auto console = vm.console(call);
  std::string seen;
  std::array<char, 4096> buffer{};
  while (seen.find(text) == std::string::npos) {
    const auto size = console->read(buffer.data(), buffer.size(), call);
    if (size == 0) throw Error(Errc::disconnected, "The console ended without '" + text + "':\n" + seen);
    seen.append(buffer.data(), size);
  }
  return seen;
}

Value read_report(Vm& vm, const CallContext& call) {
  const auto seen = read_console_until(vm, "\"uptime_s\":", call);
  const auto begin = seen.find("{\"visor-guest\"");
  auto end = seen.find('}', seen.find("\"uptime_s\":"));
  if (end != std::string::npos) return parse_json(seen.substr(begin, end + 1 - begin));
  // The line's end had not come yet: the history has it now.
  std::this_thread::sleep_for(50ms);
  return read_report(vm, call);
}

std::chrono::duration<double> uptime(Agent& guest) {
  return std::chrono::duration<double>{std::stod(guest.ask("read -r uptime _ </proc/uptime; echo $uptime"))};
}

void expect_ran_at_most(std::chrono::duration<double> counted, std::chrono::duration<double> host) {
  // It calibrates its clock itself, and shows hundredths of a second.
  EXPECT_LE(counted.count(), host.count() * 1.05 + 0.1) << "seconds that the guest's clock counted";
}

void expect_pause_freezes(Vm& vm, Agent& guest) {
  using Clock = std::chrono::steady_clock;
  const auto asked = Clock::now();
  const auto before = uptime(guest);
  vm.pause(10s);
  const auto paused = Clock::now();
  EXPECT_EQ(vm.status(5s).state, VmState::paused);
  // Longer than all else may take: a guest that runs on counts too much, however loaded the host is.
  const auto pause = std::max<Clock::duration>(1500ms, 4 * (paused - asked));
  EXPECT_THROW((void)guest.run("echo hello", std::chrono::ceil<std::chrono::milliseconds>(pause)), Error);
  EXPECT_EQ(vm.status(5s).state, VmState::paused);
  const auto resumed = Clock::now();
  vm.resume(10s);
  EXPECT_EQ(vm.status(5s).state, VmState::running);
  EXPECT_EQ(guest.answer(60s).output, "hello\n");
  const auto counted = uptime(guest) - before;
  expect_ran_at_most(counted, (Clock::now() - asked) - (resumed - paused));
}

std::vector<int> processes_of(const std::string& text) {
  std::vector<int> pids;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    const int pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0) continue;
    try {
      if (read_file(entry.path() / "cmdline").find(text) != std::string::npos) pids.push_back(pid);
    } catch (const Error&) {
      continue;  // it ended meanwhile
    }
  }
  return pids;
}

bool lives(int pid) {
  try {
    const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
    const auto state = stat.find(") ");
    return state != std::string::npos && stat[state + 2] != 'Z' && stat[state + 2] != 'X';
  } catch (const Error&) {
    return false;
  }
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  const CallContext call{limit};
  while (!call.expired()) {
    if (condition()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return condition();
}

void QemuTest::SetUp() {
  if (guest_dir(arch().name).empty()) {
    GTEST_SKIP() << "no guest: " << guest_variable(arch().name) << " is not set; scripts/guest/build makes one";
  }
  adopt_orphans();
  std::string name = "/tmp/visor-e2e-XXXXXX";
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  run_dir_ = name;
  RuntimeOptions options;
  options.plugin_dirs = {VISOR_TEST_PLUGIN_DIR};
  options.keeper_path = VISOR_TEST_KEEPER;
  options.run_dir = run_dir_;
  options.log = make_stderr_log(LogLevel::warning);
  runtime_ = std::make_unique<Runtime>(options);
  (void)runtime_->hypervisor(config());  // what loading a plugin opens stays open
  fds_before_ = open_fds();
}

void QemuTest::TearDown() {
  if (run_dir_.empty()) return;
  expect_nothing_left();
  for (const auto& vm : runtime_->list(10s)) {
    try {
      runtime_->remove(vm.id, true, 20s);
    } catch (const Error& error) {
      ADD_FAILURE() << "cleaning up " << vm.id << ": " << error.what();
    }
  }
  EXPECT_TRUE(eventually([this] { return open_fds() <= fds_before_; }, 5s))
      << open_fds() << " descriptors are open, " << fds_before_ << " were before";
  std::filesystem::remove_all(run_dir_);
}

void QemuTest::expect_nothing_left() const {
  EXPECT_EQ(left_processes(10s), std::vector<std::string>{});
  EXPECT_EQ(sockets_in(run_dir_), std::vector<std::string>{});
}

VmConfig QemuTest::config(const std::string& machine) const {
  VmConfig config;
  config.hypervisor = "qemu-" + std::string{arch().name};
  config.machine.type = machine;
  config.machine.accelerator = Accelerator::tcg;
  if (!arch().option.empty()) config.machine.options = {std::string{arch().option}};
  config.cpu.count = 1;
  config.memory.size_mib = 256;
  config.boot.kernel = (guest_dir(arch().name) / "kernel").string();
  config.boot.initrd = (guest_dir(arch().name) / "initrd").string();
  config.boot.kernel_params = {{"visor.nonce", "n-4711"}};
  SerialPortConfig port;
  port.id = "agent";
  port.name = "agent";
  config.devices.emplace_back(port);
  config.ready.port = "agent";
  return config;
}

VmConfig QemuTest::image_config(const std::string& machine, const std::string& image) const {
  auto config = this->config(machine);
  config.boot.initrd.clear();
  config.boot.early_initrd = (guest_dir(arch().name) / "early-initrd").string();
  config.boot.image = (guest_dir(arch().name) / image).string();
  config.boot.root_partition = 0;
  return config;
}

std::unique_ptr<Vm> QemuTest::boot(const VmConfig& config, const std::string& id) {
  auto vm = runtime_->create(config, id);
  vm->start(30s);
  vm->wait_ready(boot_limit);
  return vm;
}

}  // namespace visor::test

// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace visor::test {
namespace {

std::vector<std::string> with_controllers(std::vector<std::string> arguments, const std::string& suffix) {
  for (const auto* const device : {"virtio-scsi", "virtio-serial"}) {
    arguments.emplace_back("-device");
    arguments.push_back(device + suffix + ",id=" + (device == std::string{"virtio-scsi"} ? "s0" : "ser0"));
  }
  return arguments;
}

std::vector<Machine> all_machines() {
  const std::string port = "pcie-root-port,id=rp0,chassis=1,slot=1";
  return {
      {.name = "amd64",
       .binary = "qemu-system-x86_64",
       .arguments =
           with_controllers({"-machine", "q35,nvdimm=on", "-m", "256M,slots=4,maxmem=2G", "-smp", "1,maxcpus=2",
                             // Native hotplug: the default one gives no word while the machine stands.
                             "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off", "-device", port},
                            "-pci"),
       .place = {.bus = "rp0", .addr = "0", .romfile = ""},
       .memory_modules = true,
       .cpus = true},
      // Memory modules need ACPI, and that a firmware.
      {.name = "arm64",
       .binary = "qemu-system-aarch64",
       .arguments = with_controllers({"-machine", "virt", "-cpu", "cortex-a57", "-m", "256M,slots=4,maxmem=2G", "-bios",
                                      "firmware", "-device", port},
                                     "-pci"),
       .place = {.bus = "rp0"},
       .memory_modules = true},
      {.name = "ppc64le",
       .binary = "qemu-system-ppc64",
       .arguments =
           with_controllers({"-machine", "pseries,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off",
                             "-m", "512M,slots=4,maxmem=2G", "-smp", "1,maxcpus=2"},
                            "-pci"),
       .place = {.bus = "pci.0", .addr = "0x1e"},
       .memory_modules = true,
       .cpus = true},
      {.name = "s390x",
       .binary = "qemu-system-s390x",
       .arguments = with_controllers(
           {"-machine", "s390-ccw-virtio", "-m", "256M,slots=4,maxmem=2G", "-smp", "1,maxcpus=2"}, "-ccw"),
       .transport = VirtioTransport::ccw,
       .place = {.devno = "fe.0.0042"},
       .cpus = true},
  };
}

bool is_installed(const std::string& binary) {
  std::istringstream path{std::getenv("PATH") ? std::getenv("PATH") : ""};
  for (std::string folder; std::getline(path, folder, ':');) {
    if (::access((folder + "/" + binary).c_str(), X_OK) == 0) return true;
  }
  return false;
}

}  // namespace

std::vector<Machine> machines(bool (*holds)(const Machine&)) {
  auto machines = all_machines();
  if (holds) std::erase_if(machines, [&](const auto& machine) { return !holds(machine); });
  return machines;
}

QemuProcess::QemuProcess(const std::string& binary, std::vector<std::string> arguments) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw system_error("socketpair", errno);
  monitor_ = UniqueFd{ends[0]};
  const UniqueFd other{ends[1]};
  const auto chardev = "socket,id=monitor,fd=" + std::to_string(other.get());
  arguments.insert(arguments.begin(), {binary, "-S", "-nodefaults", "-no-user-config", "-display", "none", "-chardev",
                                       chardev, "-mon", "chardev=monitor,mode=control"});
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw system_error("fork", errno);
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)::fcntl(other.get(), F_SETFD, 0);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
}

QemuProcess::~QemuProcess() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void QemuProcess::freeze() { ASSERT_EQ(::kill(pid_, SIGSTOP), 0); }

void QemuProcess::thaw() { ASSERT_EQ(::kill(pid_, SIGCONT), 0); }

std::unique_ptr<sdk::qmp::Client> QemuProcess::connect(sdk::qmp::ClientOptions options) {
  return sdk::qmp::Client::connect(std::move(monitor_), std::move(options), plenty);
}

void MachineTest::SetUp() {
  if (!is_installed(GetParam().binary)) GTEST_SKIP() << GetParam().binary << " is not installed";
  auto name = (std::filesystem::temp_directory_path() / "visor-qmp-XXXXXX").string();
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  folder_ = name;
}

void MachineTest::TearDown() {
  client_.reset();
  qemu_.reset();
  if (!folder_.empty()) std::filesystem::remove_all(folder_);
}

void MachineTest::start(const std::vector<std::string>& more) {
  auto arguments = GetParam().arguments;
  const auto firmware = std::ranges::find(arguments, "firmware");
  if (firmware != arguments.end()) *firmware = make_file("firmware", 65536);
  arguments.insert(arguments.end(), more.begin(), more.end());
  qemu_ = std::make_unique<QemuProcess>(GetParam().binary, std::move(arguments));
  client_ = qemu_->connect({.peer = GetParam().binary, .on_event = on_event_});
}

std::string MachineTest::make_file(const std::string& name, std::uint64_t size_bytes) const {
  const auto path = folder_ / name;
  std::ofstream{path};
  std::filesystem::resize_file(path, size_bytes);
  return path;
}

bool MachineTest::has_child(const std::string& path, const std::string& name) {
  const auto list = client_->execute("qom-list", Value::map({{"path", path}}), plenty);
  return std::ranges::any_of(list.as_list(), [&](const auto& child) { return child.at("name") == Value{name}; });
}

bool MachineTest::has_node(const std::string& name) {
  const auto list = client_->execute("query-named-block-nodes", Value::map({{"flat", true}}), plenty);
  return std::ranges::any_of(list.as_list(), [&](const auto& node) { return node.at("node-name") == Value{name}; });
}

}  // namespace visor::test

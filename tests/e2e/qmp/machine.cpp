// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

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
       .program = "x86_64",
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
       .program = "aarch64",
       .arguments = with_controllers({"-machine", "virt", "-cpu", "cortex-a57", "-m", "256M,slots=4,maxmem=2G", "-bios",
                                      "firmware", "-device", port},
                                     "-pci"),
       .place = {.bus = "rp0"},
       .memory_modules = true},
      {.name = "ppc64le",
       .program = "ppc64",
       .arguments =
           with_controllers({"-machine", "pseries,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off",
                             "-m", "512M,slots=4,maxmem=2G", "-smp", "1,maxcpus=2"},
                            "-pci"),
       .place = {.bus = "pci.0", .addr = "0x1e"},
       .memory_modules = true,
       .cpus = true},
      {.name = "s390x",
       .program = "s390x",
       .arguments = with_controllers(
           {"-machine", "s390-ccw-virtio", "-m", "256M,slots=4,maxmem=2G", "-smp", "1,maxcpus=2"}, "-ccw"),
       .transport = VirtioTransport::ccw,
       .place = {.devno = "fe.0.0042"},
       .cpus = true},
  };
}

}  // namespace

std::vector<Machine> machines(bool (*holds)(const Machine&)) {
  auto machines = all_machines();
  if (holds) std::erase_if(machines, [&](const auto& machine) { return !holds(machine); });
  return machines;
}

void MachineTest::SetUp() {
  if (qemu_program({GetParam().program}).empty()) {
    GTEST_SKIP() << "qemu-system-" << GetParam().program << " is not installed";
  }
}

void MachineTest::start(const std::vector<std::string>& more) {
  auto arguments = GetParam().arguments;
  const auto firmware = std::ranges::find(arguments, "firmware");
  if (firmware != arguments.end()) *firmware = make_file("firmware", 65536);
  arguments.insert(arguments.end(), more.begin(), more.end());
  sdk::qmp::ClientOptions options{.on_event = on_event_};
  qemu_ = std::make_unique<BareQemu>(QemuTarget{GetParam().program}, std::move(arguments), std::move(options));
  client_ = &qemu_->client();
}

std::string MachineTest::make_file(const std::string& name, std::uint64_t size_bytes) const {
  const auto path = folder_.file(name);
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

// SPDX-License-Identifier: Apache-2.0
// Every answer that follows from the machine alone, for every machine of every architecture.
#include "question.hpp"
#include "visor/core/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <set>

namespace visor::test {
namespace {

using enum Feature;

/// What is expected of one machine.
struct Row {
  std::string arch;
  std::string machine;
  std::uint32_t max_vcpus;
  VirtioTransport transport;
  std::string root_bus;
  AddressFormat addresses;
  std::string bridge;  // driver, then "+shpc", "+windows"
  std::string root_ports;
  SerialKind serial;
  std::string console;
  std::string cpu;
  std::uint64_t alignment_mib;
  std::string panic;  // "built in" when no device is needed
  std::string vfio;
  std::string watchdog;
  int migration_s;
  std::set<Feature> missing;  // of those that depend on the machine
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.arch << ' ' << row.machine; }

const Row rows[] = {
    {"amd64",
     "q35",
     240,
     VirtioTransport::pci,
     "pcie.0",
     AddressFormat::pci_slot,
     "pci-bridge+windows",
     "pcie-root-port",
     SerialKind::uart,
     "ttyS0",
     "max",
     1,
     "pvpanic",
     "vfio-pci",
     "i6300esb",
     5,
     {}},
    {"amd64",
     "pc",
     240,
     VirtioTransport::pci,
     "pci.0",
     AddressFormat::pci_slot,
     "pci-bridge+windows",
     "",
     SerialKind::uart,
     "ttyS0",
     "max",
     1,
     "pvpanic",
     "vfio-pci",
     "i6300esb",
     5,
     {iommu}},
    {"amd64",
     "microvm",
     240,
     VirtioTransport::mmio,
     "",
     AddressFormat::none,
     "",
     "",
     SerialKind::uart,
     "ttyS0",
     "max",
     1,
     "",
     "",
     "",
     5,
     {hotplug_disk, hotplug_nic, hotplug_vsock, hotplug_vfio, hotplug_vhost_user, resize_memory, shrink_memory,
      resize_vcpus, shrink_vcpus, nvdimm, iommu}},
    {"arm64",
     "virt",
     123,
     VirtioTransport::pci,
     "pcie.0",
     AddressFormat::pci_slot,
     "pci-bridge+shpc",
     "pcie-root-port",
     SerialKind::uart,
     "ttyAMA0",
     "cortex-a57",
     1,
     "pvpanic-pci",
     "vfio-pci",
     "i6300esb",
     10,
     {resize_vcpus, shrink_vcpus, nvdimm, iommu}},
    {"ppc64le",
     "pseries",
     128,
     VirtioTransport::pci,
     "pci.0",
     AddressFormat::pci_slot,
     "pci-bridge+shpc",
     "",
     SerialKind::spapr_vty,
     "hvc0",
     "power9",
     256,
     "built in",
     "vfio-pci",
     "i6300esb",
     5,
     {nvdimm, iommu}},
    {"s390x",
     "s390-ccw-virtio",
     248,
     VirtioTransport::ccw,
     "",
     AddressFormat::ccw_devno,
     "",
     "",
     SerialKind::sclp,
     "ttysclp0",
     "qemu",
     1,
     "built in",
     "vfio-ccw",
     "diag288",
     5,
     {hotplug_vhost_user, resize_memory, shrink_memory, shrink_vcpus, nvdimm, iommu}},
};

class Machine : public ::testing::TestWithParam<Row> {
 protected:
  Question question_{GetParam().arch, GetParam().machine};
  const QemuArch& arch_ = question_.arch;
};

TEST_P(Machine, Buses) {
  const auto buses = arch_.buses(question_.in());
  EXPECT_EQ(buses.transport, GetParam().transport);
  EXPECT_EQ(buses.root_bus, GetParam().root_bus);
  EXPECT_EQ(buses.address_format, GetParam().addresses);
  EXPECT_EQ(buses.bridge_driver + (buses.bridge_shpc ? "+shpc" : "") + (buses.bridge_windows ? "+windows" : ""),
            GetParam().bridge);
  EXPECT_EQ(buses.root_port_driver, GetParam().root_ports);
  EXPECT_EQ(buses.max_root_ports, GetParam().root_ports.empty() ? 0U : 16U);
  EXPECT_EQ(buses.bridge == BridgeKind::ccw, GetParam().transport == VirtioTransport::ccw);
  EXPECT_EQ(buses.first_bridge_slot, 2U);
  EXPECT_EQ(buses.ordered_disks, GetParam().transport != VirtioTransport::ccw);
}

TEST_P(Machine, Processors) {
  EXPECT_EQ(arch_.max_vcpus(question_.in()), GetParam().max_vcpus);
  EXPECT_EQ(arch_.cpu_model(question_.in()), GetParam().cpu);
  question_.config.cpu.max_count = 4;
  const std::uint32_t max = GetParam().missing.contains(resize_vcpus) ? 2 : 4;
  const SmpTopology expected{.cpus = 2, .max_cpus = max, .sockets = max, .cores = 1, .threads = 1};
  EXPECT_EQ(arch_.smp(question_.in()), expected);
  EXPECT_EQ(arch_.cpu_model(question_.with_kvm().in()), "host");
  question_.config.cpu.model = "mine";
  question_.config.cpu.features = {"+this", "that=off"};
  EXPECT_EQ(arch_.cpu_model(question_.in()), "mine,+this,that=off");
  for (const auto* word : {"a,b", "a b", "a\nb", ""}) {
    question_.config.cpu.features = {word};
    EXPECT_THROW((void)arch_.cpu_model(question_.in()), Error) << word;
  }
  question_.config.cpu.features.clear();
  question_.config.cpu.model = "mine,vmx=on";
  EXPECT_THROW((void)arch_.cpu_model(question_.in()), Error);
}

TEST_P(Machine, Memory) {
  const auto memory = arch_.memory(question_.in());
  EXPECT_EQ(memory.size_mib, 512U);
  EXPECT_EQ(memory.max_mib, 0U) << "nothing is to be plugged, so there is no room for it";
  EXPECT_EQ(memory.alignment_mib, GetParam().alignment_mib);
}

TEST_P(Machine, Console) {
  const auto serial = arch_.console(question_.in());
  EXPECT_FALSE(serial.virtio);
  EXPECT_EQ(serial.serial, GetParam().serial);
  EXPECT_EQ(serial.kernel_console, GetParam().console);
  question_.config.console.type = ConsoleType::virtio;
  const auto virtio = arch_.console(question_.in());
  EXPECT_TRUE(virtio.virtio);
  EXPECT_EQ(virtio.kernel_console, "hvc0");
}

TEST_P(Machine, Devices) {
  const auto devices = arch_.devices(question_.in());
  EXPECT_EQ(devices.panic_built_in ? "built in" : devices.panic, GetParam().panic);
  EXPECT_EQ(devices.vfio, GetParam().vfio);
  EXPECT_EQ(devices.watchdog, GetParam().watchdog);
  EXPECT_EQ(devices.rng, "virtio-rng");
  EXPECT_EQ(devices.iommu.empty(), GetParam().missing.contains(iommu));
  EXPECT_TRUE(devices.plan9_remap);
}

TEST_P(Machine, Migration) {
  const auto rules = arch_.migration(question_.in());
  EXPECT_EQ(rules.timeout, std::chrono::seconds{GetParam().migration_s});
  EXPECT_EQ(rules.capabilities, std::vector<std::string>{"x-ignore-shared"});
}

TEST_P(Machine, CapabilitiesAndReasonsForTheOthers) {
  const auto capabilities = arch_.capabilities(question_.in());
  for (const auto feature :
       {multi_queue, shared_fs, hotplug_serial_port, hotplug_disk, hotplug_nic, hotplug_vsock, hotplug_vfio,
        hotplug_vhost_user, resize_memory, shrink_memory, resize_vcpus, shrink_vcpus, nvdimm, iommu}) {
    EXPECT_EQ(capabilities.has(feature), !GetParam().missing.contains(feature)) << to_string(feature);
    EXPECT_EQ(capabilities.reason(feature).empty(), capabilities.has(feature)) << to_string(feature);
  }
}

TEST_P(Machine, ImageAsMemoryOnlyWhereClaimedElseWithAReason) {
  const auto image = arch_.image(question_.in());
  EXPECT_EQ(image.nvdimm, !GetParam().missing.contains(nvdimm));
  EXPECT_EQ(image.nvdimm_refusal.empty(), image.nvdimm);
}

TEST_P(Machine, AcceptsWhatItClaims) {
  question_.config.cpu.count = GetParam().max_vcpus;
  EXPECT_NO_THROW(arch_.validate(question_.in()));
}

TEST_P(Machine, IsTheDefaultOfItsArchitectureOrNamed) {
  const auto machines = arch_.machines();
  EXPECT_EQ(std::ranges::count(machines, std::string_view{GetParam().machine}, &QemuMachine::type), 1);
  EXPECT_EQ(std::ranges::count(machines, arch_.default_machine(), &QemuMachine::type), 1);
}

INSTANTIATE_TEST_SUITE_P(Machines, Machine, ::testing::ValuesIn(rows), [](const auto& row) {
  auto name = row.param.arch + "_" + row.param.machine;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(Machines, AreAllInTheTable) {
  std::size_t count = 0;
  for (const auto name : architectures) count += arch_of(name).machines().size();
  EXPECT_EQ(count, std::size(rows));
}

}  // namespace
}  // namespace visor::test

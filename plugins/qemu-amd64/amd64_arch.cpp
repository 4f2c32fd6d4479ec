// SPDX-License-Identifier: Apache-2.0
#include "amd64_arch.hpp"

#include "visor/core/error.hpp"
#include "visor/sdk/qemu/arch_rules.hpp"

#include <algorithm>

namespace visor::amd64 {
namespace {

constexpr std::uint32_t max_vcpus_tested = 240;  // what runtimes have long run; QEMU's own limits are in the table
constexpr std::uint64_t memory_block_mib = 128;

bool is_template(const VmConfig& config) { return config.vm_template.to_be || config.vm_template.from; }

}  // namespace

std::vector<QemuMachine> Amd64Arch::machines() const {
  return {{.type = "q35",
           .transport = VirtioTransport::pci,
           .max_vcpus = 288,
           .root_bus = "pcie.0",
           .root_bus_hotplug = false,
           .nvdimm = true,
           .cpu_hotplug = true,
           .cpu_unplug = true,
           .memory_hotplug = true,
           .virtio_mem = true,
           .iommu = true},
          {.type = "pc",
           .transport = VirtioTransport::pci,
           .max_vcpus = 255,
           .root_bus = "pci.0",
           .root_bus_hotplug = true,
           .nvdimm = true,
           .cpu_hotplug = true,
           .cpu_unplug = true,
           .memory_hotplug = true,
           .virtio_mem = true,
           .iommu = false},
          {.type = "microvm",
           .transport = VirtioTransport::mmio,
           .max_vcpus = 288,
           .root_bus = "",
           .root_bus_hotplug = false,
           .nvdimm = false,
           .cpu_hotplug = false,
           .cpu_unplug = false,
           .memory_hotplug = false,
           .iommu = false}};
}

std::vector<QemuOption> Amd64Arch::machine_options(const ArchInput& in) const {
  std::vector<QemuOption> options;
  const auto machine = sdk::machine_of(*this, in);
  if (in.config.machine.iommu && in.accelerator == Accelerator::kvm) options.push_back({"kernel_irqchip", "split"});
  if (machine.nvdimm && in.config.boot.image_attachment == ImageAttachment::nvdimm) options.push_back({"nvdimm", "on"});
  return options;
}

std::string Amd64Arch::cpu_model(const ArchInput& in) const {
  if (!is_template(in.config)) return sdk::cpu_model_of(in, "max");
  return sdk::cpu_model_of(in, "max", {"vmx=off"});  // it is saved and loaded: nested virtualisation does not travel
}

std::uint32_t Amd64Arch::max_vcpus(const ArchInput& in) const {
  return std::min(sdk::machine_of(*this, in).max_vcpus, max_vcpus_tested);
}

SmpTopology Amd64Arch::smp(const ArchInput& in) const { return sdk::one_core_sockets(sdk::machine_of(*this, in), in); }

MemoryTopology Amd64Arch::memory(const ArchInput& in) const {
  return sdk::plain_memory(sdk::machine_of(*this, in), in, 1, memory_block_mib);
}

BusLayout Amd64Arch::buses(const ArchInput& in) const {
  const auto machine = sdk::machine_of(*this, in);
  BusLayout layout;
  layout.transport = machine.transport;
  layout.root_bus = machine.root_bus;
  if (machine.transport == VirtioTransport::mmio) {
    layout.address_format = AddressFormat::none;
    return layout;
  }
  layout.bridge = BridgeKind::pci;
  layout.bridge_driver = "pci-bridge";
  // ACPI serves the bridges; firmware gives an empty one no window unless it is reserved (seen on q35).
  layout.bridge_windows = true;
  layout.first_bridge_slot = 2;
  if (machine.type == "q35") {
    layout.root_port_driver = "pcie-root-port";
    layout.max_root_ports = 16;
  }
  return layout;
}

ImagePlan Amd64Arch::image(const ArchInput& in) const {
  const auto machine = sdk::machine_of(*this, in);
  if (machine.nvdimm) return {.nvdimm = true, .dax = true, .nvdimm_refusal = {}};
  return {.nvdimm = false, .dax = false, .nvdimm_refusal = "the machine has no non-volatile memory"};
}

FirmwarePlan Amd64Arch::firmware(const ArchInput& in) const {
  return {.bios = asset_path(in.config, AssetKind::firmware), .pflash = in.config.boot.pflash};
}

Params Amd64Arch::kernel_params(const ArchInput& in) const {
  Params params;
  if (in.config.machine.iommu) params = {{"intel_iommu", "on"}, {"iommu", "pt"}};
  // With remapped interrupts the kernel panics when its timer seems not to tick, which is what an emulated one looks
  // like on a busy host (seen: 3 of 6 boots under load); without them it has other ways.
  if (in.config.machine.iommu && in.accelerator == Accelerator::tcg) params.push_back({"no_timer_check", ""});
  // microvm's guest has no clock but the TSC. Emulated, that is the host's, and calibrating it against the timer fails
  // for ever when the host is busy (seen: 4 of 4 boots under load); told its rate, the guest does not calibrate.
  const bool emulated_tsc = in.accelerator == Accelerator::tcg && in.host.arch == "amd64" && in.host.cpu_khz != 0;
  if (emulated_tsc && sdk::machine_of(*this, in).transport == VirtioTransport::mmio) {
    params.push_back({"tsc_early_khz", std::to_string(in.host.cpu_khz)});
  }
  return params;
}

ConsolePlan Amd64Arch::console(const ArchInput& in) const {
  const bool virtio = in.config.console.type == ConsoleType::virtio;
  return {.virtio = virtio, .serial = SerialKind::uart, .kernel_console = virtio ? "hvc0" : "ttyS0"};
}

DeviceChoices Amd64Arch::devices(const ArchInput& in) const {
  const auto machine = sdk::machine_of(*this, in);
  const bool mmio = machine.transport == VirtioTransport::mmio;
  DeviceChoices choices;
  choices.panic = mmio ? "" : "pvpanic";
  choices.iommu = machine.iommu ? "intel-iommu" : "";
  choices.rng = "virtio-rng";
  choices.vfio = mmio ? "" : "vfio-pci";
  choices.watchdog = mmio ? "" : "i6300esb";
  return choices;
}

std::vector<QemuOption> Amd64Arch::globals(const ArchInput& in) const {
  std::vector<QemuOption> globals;
  if (in.accelerator == Accelerator::kvm) globals.push_back({"kvm-pit.lost_tick_policy", "discard"});
  // Without it the devices are legacy ones, which some back ends refuse.
  if (sdk::machine_of(*this, in).transport == VirtioTransport::mmio) {
    globals.push_back({"virtio-mmio.force-legacy", "false"});
  }
  return globals;
}

MigrationRules Amd64Arch::migration(const ArchInput&) const {
  return {.timeout = std::chrono::seconds{5}, .capabilities = {"x-ignore-shared"}, .notice = {}};
}

Capabilities Amd64Arch::capabilities(const ArchInput& in) const {
  return sdk::machine_capabilities(sdk::machine_of(*this, in));
}

void Amd64Arch::validate(const ArchInput& in) const {
  const auto& type = in.config.machine.type;
  if (type == "pc-lite" || type == "virt") {
    throw Error(Errc::unsupported,
                "machine.type: '" + type + "' does not exist in QEMU for amd64; use q35, pc or microvm");
  }
  sdk::check_common_limits(*this, in);
  if (!in.config.boot.pflash.empty() && sdk::machine_of(*this, in).transport == VirtioTransport::mmio) {
    throw Error(Errc::unsupported,
                "boot.pflash: machine.type microvm has no flash; use boot.firmware, or leave it out");
  }
}

}  // namespace visor::amd64

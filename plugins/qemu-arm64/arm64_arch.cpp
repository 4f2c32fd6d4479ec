// SPDX-License-Identifier: Apache-2.0
#include "arm64_arch.hpp"

#include "visor/core/error.hpp"
#include "visor/core/problems.hpp"
#include "visor/sdk/qemu/arch_rules.hpp"

#include <algorithm>

namespace visor::arm64 {
namespace {

constexpr std::uint64_t memory_block_mib = 128;
constexpr const char* default_gic = "3";  // QEMU's own default is 2, which has no more than 8 vCPUs

/// How many vCPUs an interrupt controller serves: a GICv2 has 8 CPU interfaces; the redistributors of 123 vCPUs fit
/// into the memory below 4 GiB (QEMU: hw/arm/virt.c), and a version 4 is like a 3.
struct GicLimit {
  std::string_view version;
  std::uint32_t max_vcpus;
};
constexpr GicLimit gic_limits[] = {{"2", 8}, {"3", 123}, {"4", 123}};
constexpr std::uint32_t other_gic_limit = 123;  // "host" and "max": what they stand for, QEMU finds out

std::string gic_version(const ArchInput& in) {
  auto version = sdk::user_machine_option(in.config, "gic-version");
  if (version.empty()) version = in.accelerator == Accelerator::kvm ? "host" : default_gic;
  return version;
}

/// ACPI comes from UEFI firmware alone, and non-volatile memory is described by ACPI.
bool has_firmware(const VmConfig& config) {
  return !asset_path(config, AssetKind::firmware).empty() || !config.boot.pflash.empty();
}

constexpr const char* needs_firmware = "it needs UEFI firmware: set boot.firmware or boot.pflash";

void check_flash(Problems& problems, const BootConfig& boot, bool firmware) {
  if (!boot.pflash.empty() && boot.pflash.size() != 2) {
    problems.add(Errc::invalid_config,
                 "boot.pflash: an arm64 guest has two flash images, code and variables, or none; " +
                     std::to_string(boot.pflash.size()) + (boot.pflash.size() == 1 ? " is given" : " are given"));
  }
  if (!boot.pflash.empty() && firmware) {
    problems.add(Errc::invalid_config,
                 "boot.firmware: it would stand in the same flash as boot.pflash; give one of them");
  }
}

}  // namespace

std::vector<QemuMachine> Arm64Arch::machines() const {
  return {{.type = "virt",
           .transport = VirtioTransport::pci,
           .max_vcpus = 512,
           .root_bus = "pcie.0",
           .root_bus_hotplug = false,
           .nvdimm = true,
           .cpu_hotplug = false,
           .cpu_unplug = false,
           .memory_hotplug = false,  // needs ACPI, and Debian's kernel does not see modules even so
           .virtio_mem = true,
           .iommu = false}};
}

std::vector<QemuOption> Arm64Arch::machine_options(const ArchInput& in) const {
  std::vector<QemuOption> options{{"gic-version", gic_version(in)}};
  if (in.config.boot.image_attachment == ImageAttachment::nvdimm) options.push_back({"nvdimm", "on"});
  return options;
}

// Not max: emulating its pointer authentication makes a boot three times as long.
std::string Arm64Arch::cpu_model(const ArchInput& in) const { return sdk::cpu_model_of(in, "cortex-a57"); }

std::uint32_t Arm64Arch::max_vcpus(const ArchInput& in) const {
  const auto* found = std::ranges::find(gic_limits, gic_version(in), &GicLimit::version);
  const auto limit = found == std::end(gic_limits) ? other_gic_limit : found->max_vcpus;
  return std::min(sdk::machine_of(*this, in).max_vcpus, limit);
}

SmpTopology Arm64Arch::smp(const ArchInput& in) const { return sdk::one_core_sockets(sdk::machine_of(*this, in), in); }

MemoryTopology Arm64Arch::memory(const ArchInput& in) const {
  return sdk::plain_memory(sdk::machine_of(*this, in), in, 1, memory_block_mib);
}

BusLayout Arm64Arch::buses(const ArchInput& in) const {
  const auto machine = sdk::machine_of(*this, in);
  BusLayout layout;
  layout.transport = machine.transport;
  layout.root_bus = machine.root_bus;
  layout.bridge = BridgeKind::pci;
  layout.bridge_driver = "pci-bridge";
  layout.bridge_shpc = true;  // ACPI does not serve bridges here: without it QEMU refuses every device_add
  layout.root_port_driver = "pcie-root-port";
  layout.max_root_ports = 16;
  return layout;
}

ImagePlan Arm64Arch::image(const ArchInput& in) const {
  // Never mapped directly: Debian's kernel has no ZONE_DEVICE, and others failed in cache maintenance.
  if (has_firmware(in.config)) return {.nvdimm = true, .dax = false, .nvdimm_refusal = {}};
  return {.nvdimm = false, .dax = false, .nvdimm_refusal = needs_firmware};
}

FirmwarePlan Arm64Arch::firmware(const ArchInput& in) const {
  return {.bios = asset_path(in.config, AssetKind::firmware), .pflash = in.config.boot.pflash};
}

Params Arm64Arch::kernel_params(const ArchInput&) const { return {{"iommu.passthrough", "0"}}; }

ConsolePlan Arm64Arch::console(const ArchInput& in) const {
  const bool virtio = in.config.console.type == ConsoleType::virtio;
  return {.virtio = virtio, .serial = SerialKind::uart, .kernel_console = virtio ? "hvc0" : "ttyAMA0"};
}

DeviceChoices Arm64Arch::devices(const ArchInput&) const {
  DeviceChoices choices;
  choices.panic = "pvpanic-pci";
  choices.rng = "virtio-rng";
  choices.vfio = "vfio-pci";
  choices.watchdog = "i6300esb";
  return choices;
}

std::vector<QemuOption> Arm64Arch::globals(const ArchInput&) const { return {}; }

MigrationRules Arm64Arch::migration(const ArchInput&) const {
  return {.timeout = std::chrono::seconds{10}, .capabilities = {"x-ignore-shared"}, .notice = {}};
}

Capabilities Arm64Arch::capabilities(const ArchInput& in) const {
  auto out = sdk::machine_capabilities(sdk::machine_of(*this, in));
  if (!has_firmware(in.config)) out.remove(Feature::nvdimm, needs_firmware);
  return out;
}

void Arm64Arch::validate(const ArchInput& in) const {
  const auto& config = in.config;
  Problems problems;
  problems.gather([&] { sdk::check_common_limits(*this, in); });
  if (in.accelerator != Accelerator::kvm && gic_version(in) == "host") {
    problems.add(Errc::unsupported, "machine.options: gic-version=host needs KVM; leave it out or name a version");
  }
  check_flash(problems, config.boot, !asset_path(config, AssetKind::firmware).empty());
  problems.throw_if_any();
}

}  // namespace visor::arm64

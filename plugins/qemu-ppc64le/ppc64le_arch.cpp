// SPDX-License-Identifier: Apache-2.0
#include "ppc64le_arch.hpp"

#include "visor/core/error.hpp"
#include "visor/core/problems.hpp"
#include "visor/sdk/qemu/arch_rules.hpp"

#include <algorithm>

namespace visor::ppc64le {
namespace {

constexpr std::uint32_t max_vcpus_tested = 128;  // what runtimes have long run; QEMU's own limit is in the table
constexpr std::uint64_t memory_block_mib = 256;  // QEMU takes nothing else: hw/ppc/spapr.c, SPAPR_MEMORY_BLOCK_SIZE

bool is_foreign(const ArchInput& in) { return in.host.arch != "ppc64le"; }

/// As QEMU reads a switch: qapi/qapi-util.c, qapi_bool_parse().
bool is_on(std::string_view value) { return value == "on" || value == "yes" || value == "true" || value == "y"; }

}  // namespace

std::vector<QemuMachine> Ppc64leArch::machines() const {
  return {{.type = "pseries",
           .transport = VirtioTransport::pci,
           .max_vcpus = 4096,
           .root_bus = "pci.0",
           .root_bus_hotplug = true,
           .nvdimm = false,  // QEMU has one, for files with a label area; guest kernels have no driver
           .cpu_hotplug = true,
           .cpu_unplug = true,
           .memory_hotplug = true,
           .iommu = false,
           .pci_hotplug_by_tool = true}};  // drmgr: the kernel only tells that something has come
}

std::vector<QemuOption> Ppc64leArch::machine_options(const ArchInput& in) const {
  if (in.accelerator == Accelerator::kvm) return {};
  // TCG has none of the mitigations that the machine asks for by default, and says so at each start.
  return {{"cap-cfpc", "broken"}, {"cap-sbbc", "broken"}, {"cap-ibs", "broken"}, {"cap-ccf-assist", "off"}};
}

std::string Ppc64leArch::cpu_model(const ArchInput& in) const { return sdk::cpu_model_of(in, "power9"); }

std::uint32_t Ppc64leArch::max_vcpus(const ArchInput& in) const {
  return std::min(sdk::machine_of(*this, in).max_vcpus, max_vcpus_tested);
}

SmpTopology Ppc64leArch::smp(const ArchInput& in) const {
  return sdk::one_core_sockets(sdk::machine_of(*this, in), in);
}

MemoryTopology Ppc64leArch::memory(const ArchInput& in) const {
  return sdk::plain_memory(sdk::machine_of(*this, in), in, memory_block_mib, memory_block_mib);
}

BusLayout Ppc64leArch::buses(const ArchInput& in) const {
  const auto machine = sdk::machine_of(*this, in);
  BusLayout layout;
  layout.transport = machine.transport;
  layout.root_bus = machine.root_bus;
  layout.bridge = BridgeKind::pci;
  layout.bridge_driver = "pci-bridge";
  layout.bridge_shpc = true;  // there is no ACPI: without it QEMU refuses every device_add
  return layout;
}

ImagePlan Ppc64leArch::image(const ArchInput&) const {
  return {.nvdimm = false, .dax = false, .nvdimm_refusal = "guest kernels of pseries have no driver for it"};
}

FirmwarePlan Ppc64leArch::firmware(const ArchInput& in) const {
  return {.bios = asset_path(in.config, AssetKind::firmware), .pflash = {}};
}

Params Ppc64leArch::kernel_params(const ArchInput&) const {
  return {{"rcupdate.rcu_expedited", "1"}, {"reboot", "k"}, {"cryptomgr.notests", ""}, {"net.ifnames", "0"}};
}

ConsolePlan Ppc64leArch::console(const ArchInput& in) const {
  // Either is hvc0, for the driver never gives a machine both.
  return {.virtio = in.config.console.type == ConsoleType::virtio,
          .serial = SerialKind::spapr_vty,
          .kernel_console = "hvc0"};
}

DeviceChoices Ppc64leArch::devices(const ArchInput& in) const {
  DeviceChoices choices;
  choices.panic_built_in = true;
  choices.rng = "virtio-rng";
  choices.vfio = "vfio-pci";
  choices.watchdog = "i6300esb";
  choices.fw_cfg_refusal = "machine pseries has no firmware configuration device";
  if (is_foreign(in)) {
    choices.virtio_fs_refusal = "the flags of open() differ between this host and a ppc64le guest; use a 9p share";
  }
  return choices;
}

std::vector<QemuOption> Ppc64leArch::globals(const ArchInput&) const { return {}; }

MigrationRules Ppc64leArch::migration(const ArchInput& in) const {
  MigrationRules rules{.timeout = std::chrono::seconds{5}, .capabilities = {"x-ignore-shared"}, .notice = {}};
  if (in.accelerator == Accelerator::tcg) {
    rules.notice =
        "QEMU 7.2 emulating ppc64le gives a guest no timer interrupt any more once its state was loaded: what waits "
        "for time to pass waits for ever";  // seen with one and two vCPUs, on pseries
  }
  return rules;
}

Capabilities Ppc64leArch::capabilities(const ArchInput& in) const {
  return sdk::machine_capabilities(sdk::machine_of(*this, in));
}

void Ppc64leArch::validate(const ArchInput& in) const {
  const auto& config = in.config;
  Problems problems;
  problems.gather([&] { sdk::check_common_limits(*this, in); });
  if (!config.boot.pflash.empty()) {
    problems.add(Errc::unsupported,
                 "boot.pflash: machine.type pseries has no flash; use boot.firmware, or leave it out");
  }
  const auto console = config.console.type;
  const bool has_vty = console == ConsoleType::automatic || console == ConsoleType::serial;
  if (!has_vty && is_on(sdk::user_machine_option(config, "x-vof"))) {
    problems.add(Errc::invalid_config,
                 "machine.options: x-vof=on needs the serial console: without one that firmware hangs silently");
  }
  problems.throw_if_any();
}

}  // namespace visor::ppc64le

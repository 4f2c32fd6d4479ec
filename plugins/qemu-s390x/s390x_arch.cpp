// SPDX-License-Identifier: Apache-2.0
#include "s390x_arch.hpp"

#include "visor/core/error.hpp"
#include "visor/core/problems.hpp"
#include "visor/sdk/qemu/arch_rules.hpp"

namespace visor::s390x {
namespace {

constexpr std::uint64_t memory_block_mib = 256;  // Linux's; nothing is plugged

bool is_foreign(const ArchInput& in) { return in.host.arch != "s390x"; }

}  // namespace

std::vector<QemuMachine> S390xArch::machines() const {
  return {{.type = "s390-ccw-virtio",
           .transport = VirtioTransport::ccw,
           .max_vcpus = 248,
           .root_bus = "",
           .root_bus_hotplug = true,  // the channel subsystem: a device is addressed by its number, on no named bus
           .nvdimm = false,
           .cpu_hotplug = true,
           .cpu_unplug = false,
           .memory_hotplug = false,
           .iommu = false}};
}

std::vector<QemuOption> S390xArch::machine_options(const ArchInput&) const { return {}; }

std::string S390xArch::cpu_model(const ArchInput& in) const { return sdk::cpu_model_of(in, "qemu"); }

std::uint32_t S390xArch::max_vcpus(const ArchInput& in) const { return sdk::machine_of(*this, in).max_vcpus; }

SmpTopology S390xArch::smp(const ArchInput& in) const { return sdk::one_core_sockets(sdk::machine_of(*this, in), in); }

MemoryTopology S390xArch::memory(const ArchInput& in) const {
  return sdk::plain_memory(sdk::machine_of(*this, in), in, 1, memory_block_mib);
}

BusLayout S390xArch::buses(const ArchInput& in) const {
  BusLayout layout;
  layout.transport = sdk::machine_of(*this, in).transport;
  layout.bridge = BridgeKind::ccw;  // what counts device numbers; QEMU has no device for it
  layout.address_format = AddressFormat::ccw_devno;
  layout.ordered_disks = false;  // Linux sets virtio devices online side by side: virtio_ccw.c, async_schedule()
  return layout;
}

ImagePlan S390xArch::image(const ArchInput&) const {
  return {.nvdimm = false, .dax = false, .nvdimm_refusal = "the machine has no non-volatile memory"};
}

FirmwarePlan S390xArch::firmware(const ArchInput& in) const {
  return {.bios = asset_path(in.config, AssetKind::firmware), .pflash = {}};
}

Params S390xArch::kernel_params(const ArchInput&) const { return {}; }

ConsolePlan S390xArch::console(const ArchInput& in) const {
  const bool virtio = in.config.console.type == ConsoleType::virtio;
  return {.virtio = virtio, .serial = SerialKind::sclp, .kernel_console = virtio ? "hvc0" : "ttysclp0"};
}

DeviceChoices S390xArch::devices(const ArchInput& in) const {
  DeviceChoices choices;
  choices.panic_built_in = true;
  choices.rng = "virtio-rng";
  choices.vfio = "vfio-ccw";
  choices.watchdog = "diag288";
  choices.fw_cfg_refusal = "machine s390-ccw-virtio has no firmware configuration device";
  if (is_foreign(in)) {
    choices.virtio_fs_refusal = "the byte order differs between this host and an s390x guest; use a 9p share";
  }
  return choices;
}

std::vector<QemuOption> S390xArch::globals(const ArchInput&) const { return {}; }

MigrationRules S390xArch::migration(const ArchInput& in) const {
  MigrationRules rules{.timeout = std::chrono::seconds{5}, .capabilities = {"x-ignore-shared"}, .notice = {}};
  if (in.accelerator == Accelerator::tcg) {
    // Seen in 3 of some 20 restores, on a busy host; not traced.
    rules.notice =
        "a guest of s390x that QEMU 7.2 emulates may get no timer interrupt any more once its state was loaded: what "
        "waits for time to pass may wait for ever";
  }
  return rules;
}

Capabilities S390xArch::capabilities(const ArchInput& in) const {
  auto out = sdk::machine_capabilities(sdk::machine_of(*this, in));
  out.remove(Feature::hotplug_vhost_user, "of vhost-user devices only file systems exist for channel I/O");
  return out;
}

void S390xArch::validate(const ArchInput& in) const {
  Problems problems;
  problems.gather([&] { sdk::check_common_limits(*this, in); });
  if (!in.config.boot.pflash.empty()) {
    problems.add(Errc::unsupported, "boot.pflash: machine.type s390-ccw-virtio has no flash; leave it out");
  }
  problems.throw_if_any();
}

}  // namespace visor::s390x

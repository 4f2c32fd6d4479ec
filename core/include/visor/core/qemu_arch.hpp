// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/capabilities.hpp"
#include "visor/core/export.h"
#include "visor/core/params.hpp"
#include "visor/core/qemu_caps.hpp"
#include "visor/core/vm_config.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace visor {

/// What the host is and has. Filled once by the driver; tests fill it by hand.
struct HostFacts {
  std::string arch;              ///< in the words of plugins: amd64, arm64, ppc64le, s390x, or uname's for others
  std::uint64_t memory_mib = 0;  ///< MemTotal
  std::uint32_t cpus = 1;
  std::uint64_t cpu_khz = 0;  ///< clock of the first CPU as /proc/cpuinfo has it; 0: not known
  bool kvm = false;           ///< /dev/kvm answers; whether a guest runs with it, only its start shows
  std::string kvm_reason;     ///< why not
  bool on_vmm = false;        ///< the host itself is a guest
  bool vhost_net = false;
  bool vhost_vsock = false;
};

/// What every question is asked about. References: valid for the call only.
struct ArchInput {
  const VmConfig& config;   ///< config.machine.type may be empty: the default machine
  Accelerator accelerator;  ///< decided: kvm or tcg
  const HostFacts& host;
  const QemuCaps& qemu;
  std::uint64_t image_bytes = 0;  ///< size of the root image; 0: there is none, or it is not known yet
};

enum class VirtioTransport : std::uint8_t { pci, ccw, mmio };

/// One machine type of an architecture. A plugin's table of them is a constant.
struct QemuMachine {
  std::string_view type;
  VirtioTransport transport = VirtioTransport::pci;
  std::uint32_t max_vcpus = 1;    ///< what QEMU's machine allows
  std::string_view root_bus;      ///< "pcie.0", "pci.0", or empty
  bool root_bus_hotplug = false;  ///< devices can be plugged into the root bus itself
  bool nvdimm = false;
  bool cpu_hotplug = false;
  bool cpu_unplug = false;
  bool memory_hotplug = false;  ///< memory can grow by modules
  bool virtio_mem = false;      ///< memory can grow by a virtio-mem device
  bool iommu = false;
  bool pci_hotplug_by_tool = false;  ///< a guest sees a PCI device that is plugged only when a program in it looks
};

/// A QEMU option or property: key and value, not yet rendered.
struct QemuOption {
  std::string key;
  std::string value;
  bool operator==(const QemuOption&) const = default;
};

struct SmpTopology {
  std::uint32_t cpus = 1;
  std::uint32_t max_cpus = 1;
  std::uint32_t sockets = 1;
  std::uint32_t cores = 1;
  std::uint32_t threads = 1;
  bool operator==(const SmpTopology&) const = default;
};

struct MemoryTopology {
  std::uint64_t size_mib = 0;
  std::uint64_t max_mib = 0;  ///< 0: no maxmem, nothing can be plugged
  std::uint32_t slots = 0;
  std::uint64_t alignment_mib = 1;   ///< of size, maximum and every module
  std::uint64_t block_mib = 128;     ///< what the guest can bring online at once
  std::uint64_t virtio_mem_mib = 0;  ///< what a virtio-mem device can add; 0: memory grows by modules, or not at all
  bool operator==(const MemoryTopology&) const = default;
};

enum class BridgeKind : std::uint8_t { none, pci, pcie, ccw };
enum class AddressFormat : std::uint8_t { none, pci_slot, ccw_devno };

struct BusLayout {
  VirtioTransport transport = VirtioTransport::pci;
  std::string root_bus;
  BridgeKind bridge = BridgeKind::none;
  std::string bridge_driver;    ///< "pci-bridge"
  bool bridge_shpc = false;     ///< needed where ACPI does not serve the bridge
  bool bridge_windows = false;  ///< reserve io and memory windows for an empty bridge
  std::uint32_t first_bridge_slot = 2;
  std::string root_port_driver;  ///< "pcie-root-port", or empty
  std::uint32_t max_root_ports = 0;
  AddressFormat address_format = AddressFormat::pci_slot;
  bool ordered_disks = true;  ///< the guest numbers its disks as they stand on the command line
  bool operator==(const BusLayout&) const = default;
};

/// How a root image may be attached. A block device always works; the driver makes the root parameters.
struct ImagePlan {
  bool nvdimm = false;         ///< as non-volatile memory, too
  bool dax = false;            ///< and the guest can map it directly, if the image has the header that this needs
  std::string nvdimm_refusal;  ///< why not as non-volatile memory
};

struct FirmwarePlan {
  std::string bios;                 ///< empty: QEMU's own
  std::vector<std::string> pflash;  ///< in unit order
};

enum class SerialKind : std::uint8_t {
  uart,  ///< the machine's own, wired up by -serial: 16550 on amd64, PL011 on arm64
  spapr_vty,
  sclp,
};

struct ConsolePlan {
  bool virtio = false;
  SerialKind serial = SerialKind::uart;  ///< meaningful unless virtio
  std::string kernel_console;            ///< "ttyS0", "ttyAMA0", "hvc0", …
};

/// Which QEMU device serves a purpose on this machine; empty means none.
struct DeviceChoices {
  std::string panic;
  std::string iommu;
  std::string rng;
  std::string vfio;
  std::string watchdog;
  bool panic_built_in = false;    ///< the guest reports panics without a device
  bool plan9_remap = true;        ///< multidevs=remap may be given
  std::string virtio_fs_refusal;  ///< why virtio-fs cannot be offered from this host; empty: it can
  std::string fw_cfg_refusal;     ///< why there is no firmware configuration device; empty: there is one
};

struct MigrationRules {
  std::chrono::milliseconds timeout{5000};
  std::vector<std::string> capabilities;  ///< of a template's state
  std::string notice = {};                ///< what a guest loses by going on elsewhere, as a sentence; empty: nothing
};

/// The facts of one guest architecture, as answers to the driver's questions. Const, stateless, values only: all four
/// coexist in one process, and a test can ask without a QEMU. [any thread] Nothing blocks; nothing reads the host.
class VISOR_CORE_EXPORT QemuArch {
 public:
  QemuArch() = default;
  QemuArch(const QemuArch&) = delete;
  QemuArch& operator=(const QemuArch&) = delete;
  virtual ~QemuArch();

  /// "amd64", "arm64", "ppc64le", "s390x".
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual std::string_view default_machine() const = 0;
  [[nodiscard]] virtual std::vector<QemuMachine> machines() const = 0;
  /// The program's name ("qemu-system-x86_64"), and the Debian package that has it.
  [[nodiscard]] virtual std::string_view binary() const = 0;
  [[nodiscard]] virtual std::string_view package() const = 0;

  [[nodiscard]] virtual std::vector<QemuOption> machine_options(const ArchInput& in) const = 0;
  [[nodiscard]] virtual std::string cpu_model(const ArchInput& in) const = 0;
  [[nodiscard]] virtual std::uint32_t max_vcpus(const ArchInput& in) const = 0;
  [[nodiscard]] virtual SmpTopology smp(const ArchInput& in) const = 0;
  [[nodiscard]] virtual MemoryTopology memory(const ArchInput& in) const = 0;
  [[nodiscard]] virtual BusLayout buses(const ArchInput& in) const = 0;
  [[nodiscard]] virtual ImagePlan image(const ArchInput& in) const = 0;
  [[nodiscard]] virtual FirmwarePlan firmware(const ArchInput& in) const = 0;
  /// What the architecture always wants on the kernel command line; without root and console parameters.
  [[nodiscard]] virtual Params kernel_params(const ArchInput& in) const = 0;
  [[nodiscard]] virtual ConsolePlan console(const ArchInput& in) const = 0;
  [[nodiscard]] virtual DeviceChoices devices(const ArchInput& in) const = 0;
  /// Arguments of -global: "driver.property" and value.
  [[nodiscard]] virtual std::vector<QemuOption> globals(const ArchInput& in) const = 0;
  [[nodiscard]] virtual MigrationRules migration(const ArchInput& in) const = 0;
  [[nodiscard]] virtual Capabilities capabilities(const ArchInput& in) const = 0;
  /// Throws invalid_config or unsupported for what this architecture or machine refuses: all of it, a line each that
  /// begins with the field (visor::Problems gathers them).
  virtual void validate(const ArchInput& in) const = 0;
};

}  // namespace visor

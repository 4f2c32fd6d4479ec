// SPDX-License-Identifier: Apache-2.0
#include "describe_field.hpp"
#include "describe_sections.hpp"

namespace visor::detail {
namespace {

constexpr std::uint64_t most_memory_mib = std::uint64_t{64} << 20;  // 64 TiB, above what any supported machine maps

}  // namespace

const Section& machine_section() {
  using M = MachineConfig;
  static const auto table = make_section<M>(
      "machine", "The virtual machine's board.",
      {
          field<&M::type>("type", "Machine type, one of those that the plugin lists; not set: the plugin's default."),
          field<&M::accelerator>(
              "accelerator",
              "How guest code runs. auto takes kvm when it works, else tcg with a warning; kvm is never replaced."),
          field<&M::options>("options",
                             "More machine options, each as the hypervisor has it (\"key=value\"). Blanks around them "
                             "and empty ones are dropped."),
          number<&M::bridges>(
              "bridges", 1, 5,
              "PCI bridges that devices can be hot-plugged into; not set: the plugin's choice. For QEMU none: "
              "root ports or the root bus are quicker. Each has 31 slots.")
              .in("bridges"),
          number<&M::root_ports>(
              "root_ports", 0, 16,
              "PCIe root ports kept free for hot-plugging, one device each; not set: 4 where the machine has them.")
              .in("ports"),
          field<&M::iommu>("iommu", "Gives the guest an IOMMU."),
          field<&M::iommu_platform>("iommu_platform", "Makes virtio devices use the guest's IOMMU."),
          field<&M::nesting_checks>(
              "nesting_checks",
              "Adapts devices when the host itself is a virtual machine: with KVM virtio devices of a PCI "
              "machine are then legacy ones, whose notifications cost less there. false turns that off."),
          field<&M::hotplug_vfio_on_root_bus>(
              "hotplug_vfio_on_root_bus", "Plugs host devices into a root port or the root bus, never into a bridge."),
      });
  return table;
}

const Section& cpu_section() {
  using C = CpuConfig;
  static const auto table = make_section<C>(
      "cpu", "Virtual CPUs.",
      {
          number<&C::count>("count", 1, 4096, "vCPUs at boot; not set: 1.").in("vCPUs"),
          number<&C::max_count>("max_count", 1, 4096,
                                "How many vCPUs hot-plugging can reach; not set: the plugin's choice, for QEMU as "
                                "many as the host has and the machine allows, at least `count`.")
              .in("vCPUs"),
          field<&C::model>("model", "CPU model; not set: the host's own with kvm, else the plugin's choice."),
          field<&C::features>(
              "features",
              "CPU features added to the model (\"+x\", \"-x\", \"x=on\"). Blanks around them and empty "
              "ones are dropped."),
      });
  return table;
}

const Section& memory_section() {
  using M = MemoryConfig;
  static const auto table = make_section<M>(
      "memory", "Guest memory.",
      {
          size<&M::size_mib>("size", 1, most_memory_mib, "Memory at boot; not set: 2GiB. At most the host's memory."),
          size<&M::max_size_mib>("max_size", 1, most_memory_mib,
                                 "What hot-plugging can reach; not set: nothing can be plugged."),
          number<&M::slots>("slots", 1, 255, "Memory modules that can be hot-plugged; not set: 10.").in("slots"),
          size<&M::offset_mib>("offset", 0, most_memory_mib, "Head-room above the maximum, for memory-like devices."),
          field<&M::prealloc>("prealloc", "Takes all memory from the host at start."),
          field<&M::huge_pages>("huge_pages", "Takes memory from the host's huge pages."),
          field<&M::realtime>("realtime",
                              "Asks for real-time behaviour; together with `lock` memory is never swapped."),
          field<&M::lock>("lock", "Locks the guest's memory in the host's; needs `realtime`."),
          field<&M::virtio_mem>("virtio_mem", "Resizes memory by a virtio-mem device, not by modules."),
          path<&M::backing_dir>("backing_dir", "Folder in which guest memory is kept as a file that others can map."),
      });
  return table;
}

}  // namespace visor::detail

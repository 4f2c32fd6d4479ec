// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/pci.hpp"

#include "table.hpp"

namespace visor::sdk {
namespace {

constexpr std::uint64_t max_buses = 255;
constexpr std::uint64_t any_size = ~0ULL - 1;  // qemu: all ones is "not set"

template <auto Member>
FieldBuilder reserve(std::string_view name, std::string_view key, std::string_view doc) {
  return field<Member>(name, key, doc).range(0, any_size).in("bytes");
}

/// What bridges and ports must not have: QEMU 7.2 aborts with an option ROM in one (pci_register_bar).
template <class Bridge>
void check_bridge(const DeviceTable& table, const Bridge& bridge) {
  if (bridge.place.romfile && !bridge.place.romfile->empty()) {
    refuse_device(table, &bridge, "romfile must be empty: QEMU aborts with an option ROM in a bridge");
  }
  if (bridge.pref32_reserve_bytes && bridge.pref64_reserve_bytes) {
    refuse_device(table, &bridge, "pref32_reserve_bytes and pref64_reserve_bytes exclude each other");
  }
}

}  // namespace

const DeviceTable& PciBridge::describe() {
  using D = PciBridge;
  constexpr auto pci = variants_of(BridgeKind::pci);
  static const DeviceTable table =
      TableBuilder<D>("PciBridge", "Bridge", "A bridge to a PCI bus of its own.")
          .by<&D::kind>({{"pci", "pci-bridge", on_pci, ""}, {"pcie", "pcie-pci-bridge", on_pci, ""}})
          .with({
              id_field<&D::id>(),
              field<&D::chassis>("chassis", "chassis_nr", "Each once in a machine.").range(1, 255).only(pci).needed(),
              field<&D::shpc>("shpc", "shpc", "The standard hot-plug controller.").only(pci),
              reserve<&D::io_reserve_bytes>("io_reserve_bytes", "io-reserve", "I/O ports for later.").only(pci),
              reserve<&D::mem_reserve_bytes>("mem_reserve_bytes", "mem-reserve", "Room that is not prefetchable.")
                  .only(pci),
              reserve<&D::pref32_reserve_bytes>("pref32_reserve_bytes", "pref32-reserve",
                                                "Prefetchable room below 4 GiB.")
                  .only(pci),
              reserve<&D::pref64_reserve_bytes>("pref64_reserve_bytes", "pref64-reserve", "Prefetchable room.")
                  .only(pci),
              field<&D::bus_reserve>("bus_reserve", "bus-reserve", "Bus numbers for later.")
                  .range(0, max_buses)
                  .in("buses")
                  .only(pci),
          })
          .placed<&D::place>();
  return table;
}

void PciBridge::validate() const {
  check_fields(describe(), this);
  check_bridge(describe(), *this);
}

PropertyBag PciBridge::properties() const { return properties_of(describe(), this); }

void PciBridge::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& PcieRootPort::describe() {
  using D = PcieRootPort;
  static const DeviceTable table =
      TableBuilder<D>("PcieRootPort", "Root port", "A port into which one PCI Express device is plugged.")
          .is("pcie-root-port", on_pci)
          .with({
              id_field<&D::id>(),
              field<&D::chassis>("chassis", "chassis", "With slot once in a machine.").range(0, 255).said(),
              field<&D::slot>("slot", "slot", "With chassis once in a machine.").range(0, 8191).said(),
              field<&D::multifunction>("multifunction", "multifunction", "Its slot has other functions."),
              field<&D::bus_reserve>("bus_reserve", "bus-reserve", "Bus numbers for later.")
                  .range(0, max_buses)
                  .in("buses"),
              reserve<&D::pref64_reserve_bytes>("pref64_reserve_bytes", "pref64-reserve", "Prefetchable room."),
              reserve<&D::pref32_reserve_bytes>("pref32_reserve_bytes", "pref32-reserve",
                                                "Prefetchable room below 4 GiB."),
              reserve<&D::mem_reserve_bytes>("mem_reserve_bytes", "mem-reserve", "Room that is not prefetchable."),
              reserve<&D::io_reserve_bytes>("io_reserve_bytes", "io-reserve", "I/O ports for later."),
              field<&D::hotplug>("hotplug", "hotplug", "Whether devices can be plugged while the guest runs."),
          })
          .placed<&D::place>();
  return table;
}

void PcieRootPort::validate() const {
  check_fields(describe(), this);
  check_bridge(describe(), *this);
}

PropertyBag PcieRootPort::properties() const { return properties_of(describe(), this); }

void PcieRootPort::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& IntelIommu::describe() {
  using D = IntelIommu;
  static const DeviceTable table =
      TableBuilder<D>("IntelIommu", "IOMMU", "The IOMMU of a q35 machine.")
          .is("intel-iommu", on_pci)
          .with({
              id_field<&D::id>(),
              field<&D::interrupt_remapping>("interrupt_remapping", "intremap", "Interrupts go through it as well.")
                  .of({"auto", "on", "off"}),
              field<&D::device_iotlb>("device_iotlb", "device-iotlb", "Devices may keep translations."),
              field<&D::caching_mode>("caching_mode", "caching-mode", "What assigned host devices need."),
              field<&D::address_bits>("address_bits", "aw-bits", "Of addresses, 39 or 48.").range(39, 48).in("bits"),
          });
  return table;
}

void IntelIommu::validate() const {
  check_fields(describe(), this);
  if (address_bits != 0 && address_bits != 39 && address_bits != 48) {
    refuse_device(describe(), this, "address_bits must be 39 or 48");
  }
}

PropertyBag IntelIommu::properties() const { return properties_of(describe(), this); }

void IntelIommu::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& VirtioIommu::describe() {
  using D = VirtioIommu;
  static const DeviceTable table =
      TableBuilder<D>("VirtioIommu", "IOMMU", "An IOMMU for machines with PCI.")
          .is_virtio("virtio-iommu", on_pci)
          .with({
              id_field<&D::id>(),
              field<&D::boot_bypass>("boot_bypass", "boot-bypass",
                                     "Devices reach memory as long as the guest has not set it up."),
          })
          .placed<&D::place>();
  return table;
}

void VirtioIommu::validate() const { check_fields(describe(), this); }

PropertyBag VirtioIommu::properties() const { return properties_of(describe(), this); }

void VirtioIommu::render(CommandLine& line) const { render_fields(describe(), this, line); }

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
// What devices are plugged into while the guest runs, and the addresses that are left for them.
#include "device_builder.hpp"
#include "raw_places.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/device/pci.hpp"
#include "visor/sdk/qemu/arch_rules.hpp"

#include <algorithm>

namespace visor::sdk::plan {
namespace {

using detail::bridge_prefix;
using detail::first_port_slot;
using detail::functions;
using detail::hex;
using detail::last_slot;
using detail::port_prefix;

constexpr std::uint32_t most_bridges = 5;  // as the configuration's table has it
// What firmware reserves for a bridge that looks empty is nothing; a device behind it is then not seen (q35, 7.2).
constexpr std::uint64_t io_window = 4096;
constexpr std::uint64_t memory_window = 1U << 20U;

[[noreturn]] void refuse_field(const std::string& field, const std::string& why) {
  throw Error(Errc::unsupported, field + ": " + why);
}

bool plugs_into_root(const Input& input, const BusLayout& layout) {
  return machine_of(input.arch, input.arch_input()).root_bus_hotplug && layout.transport == VirtioTransport::pci;
}

/// As many as are configured; else some, where the machine and this QEMU have them.
std::uint32_t ports_of(const Input& input, const BusLayout& layout) {
  const bool there = !layout.root_port_driver.empty() && input.caps.may_have_device(layout.root_port_driver);
  return input.config.machine.root_ports.value_or(there ? default_root_ports : 0);
}

void check_bus_fields(const Input& input, const BusLayout& layout) {
  const auto& machine = input.config.machine;
  const auto ports = ports_of(input, layout);
  if (ports != 0 && layout.root_port_driver.empty()) {
    refuse_field("machine.root_ports", "machine " + input.machine_type() + " has no PCI Express ports; leave it out");
  }
  if (ports > layout.max_root_ports && !layout.root_port_driver.empty()) {
    refuse_field("machine.root_ports", "machine " + input.machine_type() + " has at most " +
                                           std::to_string(layout.max_root_ports) + " root ports");
  }
  if (machine.bridges != 0 && layout.bridge_driver.empty()) {
    refuse_field("machine.bridges", "machine " + input.machine_type() + " has no PCI bridges; leave it out");
  }
  if (machine.hotplug_vfio_on_root_bus && ports == 0 && !plugs_into_root(input, layout)) {
    refuse_field("machine.hotplug_vfio_on_root_bus",
                 layout.root_port_driver.empty()
                     ? "machine " + input.machine_type() +
                           " has no root bus that takes devices while the guest runs; leave it out"
                     : "it needs a root port, and machine.root_ports is 0; raise that, or leave this out");
  }
}

void add_root_ports(const Input& input, const BusLayout& layout, Plan& plan, detail::DeviceBuilder& builder) {
  const auto count = ports_of(input, layout);
  if (count == 0) return;
  builder.because("machine.root_ports");
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto id = std::string{port_prefix} + std::to_string(i);
    const auto chassis = plan.addresses.take(AddressSpace::chassis, "", id);
    builder.add(PcieRootPort{
        .id = id,
        .chassis = static_cast<std::uint16_t>(chassis),
        .slot = static_cast<std::uint16_t>(chassis),
        .multifunction = i % functions == 0 && count - i > 1,
        .place = {.bus = layout.root_bus, .addr = hex(first_port_slot - i / functions) + '.' + hex(i % functions)}});
  }
  plan.addresses.add_range({.space = AddressSpace::root_port,
                            .bus = std::string{port_prefix},
                            .first = 0,
                            .last = count - 1,
                            .more = count < layout.max_root_ports
                                        ? "raise machine.root_ports, at most " + std::to_string(layout.max_root_ports)
                                        : "give machine.bridges"});
}

void add_bridges(const Input& input, const BusLayout& layout, Plan& plan, detail::DeviceBuilder& builder) {
  builder.because("machine.bridges");
  const bool express = layout.bridge_driver == "pcie-pci-bridge";
  for (std::uint32_t i = 0; i < input.config.machine.bridges; ++i) {
    PciBridge bridge{.id = std::string{bridge_prefix} + std::to_string(i),
                     .kind = express ? BridgeKind::pcie : BridgeKind::pci};
    bridge.place = {.bus = layout.root_bus, .addr = hex(layout.first_bridge_slot + i)};
    if (!express) {
      bridge.chassis = static_cast<std::uint16_t>(plan.addresses.take(AddressSpace::chassis, "", bridge.id));
      bridge.shpc = layout.bridge_shpc;
    }
    if (!express && layout.bridge_windows) {
      bridge.io_reserve_bytes = io_window;
      bridge.mem_reserve_bytes = memory_window;
      bridge.pref64_reserve_bytes = memory_window;
    }
    builder.add(bridge);
    plan.addresses.add_range({.space = AddressSpace::bridge,
                              .bus = bridge.id,
                              .first = 1,  // shpc: "Valid slots are between 1 and 31"
                              .last = last_slot,
                              .more = i + 1 < most_bridges ? "raise machine.bridges, at most 5" : ""});
  }
}

bool is_port(const DeviceConfig& device) {
  const auto* const raw = std::get_if<RawDeviceConfig>(&device);
  return std::holds_alternative<SerialPortConfig>(device) || (raw != nullptr && raw->driver == "virtserialport");
}

/// The ports that QEMU numbers itself take the lowest numbers.
void note_ports(const Input& input, Addresses& addresses) {
  const auto numbered_by_qemu = [&](const DeviceConfig& device) {
    return is_port(device) && !input.places.contains(device_id(device));
  };
  detail::add_port_range(addresses,
                         static_cast<std::uint32_t>(std::ranges::count_if(input.config.devices, numbered_by_qemu)));
}

/// What sits at exact places; a SCSI disk has its own from the builder.
void note_places(const Input& input, Addresses& addresses) {
  for (const auto& [id, place] : input.places) {
    if (addresses.has_range(AddressSpace::scsi, place.bus)) continue;
    addresses.take_place_exactly(place, id);
  }
}

/// How many devices QEMU may have put on the root bus by itself, from the lowest slot or number up.
std::uint32_t placed_by_qemu(const CommandLine& line) {
  const auto& all = line.arguments();
  return static_cast<std::uint32_t>(std::ranges::count(all, "-device", &CommandLine::Argument::option));
}

}  // namespace

PlaceWish place_wish(const VmConfig& config, const DeviceConfig& device) {
  const bool on_root = config.machine.hotplug_vfio_on_root_bus && std::holds_alternative<VfioConfig>(device);
  return on_root ? PlaceWish::on_root : PlaceWish::any;
}

void detail::add_hotplug_buses(const Input& input, Plan& plan, DeviceBuilder& builder) {
  const auto layout = input.arch.buses(input.arch_input());
  check_bus_fields(input, layout);
  // From the top: who adds ports in QEMU's own words begins with 1, and QEMU takes no pair of chassis and slot twice.
  plan.addresses.add_range({.space = AddressSpace::chassis, .bus = "", .first = 1, .last = 255, .from_top = true});
  plan.line.section("buses");
  add_root_ports(input, layout, plan, builder);
  add_bridges(input, layout, plan, builder);
}

void detail::note_addresses(const Input& input, Plan& plan) {
  const auto layout = input.arch.buses(input.arch_input());
  auto& addresses = plan.addresses;
  RawPlaces raws{layout, ports_of(input, layout), input.config.machine.bridges, addresses};
  for (std::size_t i = 0; i < input.config.devices.size(); ++i) {
    const auto& device = input.config.devices[i];
    if (const auto* const raw = std::get_if<RawDeviceConfig>(&device)) {
      plan.problems.gather([&] { raws.note(device_path(input.config, i), *raw); });
    }
    if (!addresses.has(device_id(device))) addresses.claim(device_id(device));
  }
  const auto placed = placed_by_qemu(plan.line);
  // A PC has two slots of its own; counting devices that take none only makes the rest smaller.
  if (plugs_into_root(input, layout) && placed + 2 <= last_slot) {
    addresses.add_range({.space = AddressSpace::root_bus,
                         .bus = layout.root_bus,
                         .first = placed + 2,
                         .last = last_slot,
                         .more = layout.bridge_driver.empty() ? "" : "raise machine.bridges, at most 5",
                         .from_top = true});
  }
  if (layout.address_format == AddressFormat::ccw_devno) {
    addresses.add_range(
        {.space = AddressSpace::channel, .bus = "fe.0", .first = placed, .last = 0xffff, .from_top = true});
  }
  if (addresses.has(std::string{serial_bus})) note_ports(input, addresses);
  note_places(input, addresses);
}

void detail::add_port_range(Addresses& addresses, std::uint32_t taken) {
  if (taken >= last_serial_port) return;
  addresses.add_range({.space = AddressSpace::port,
                       .bus = std::string{serial_bus} + ".0",
                       .first = taken + 1,
                       .last = last_serial_port,
                       .from_top = true});
}

}  // namespace visor::sdk::plan

// SPDX-License-Identifier: Apache-2.0
// What devices are plugged into while the guest runs, and the addresses that are left for them.
#include "device_builder.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/device/pci.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace visor::sdk::plan {
namespace {

constexpr std::string_view port_prefix = "visor-port";
constexpr std::string_view bridge_prefix = "visor-bridge";
constexpr std::uint32_t most_bridges = 5;        // as the configuration's table has it
constexpr std::uint32_t last_slot = 31;          // PCI: five bits
constexpr std::uint32_t first_port_slot = 0x1e;  // and down; q35 has devices of its own at the one above
constexpr std::uint32_t functions = 8;           // of a slot, each of them a port
// What firmware reserves for a bridge that looks empty is nothing; a device behind it is then not seen (q35, 7.2).
constexpr std::uint64_t io_window = 4096;
constexpr std::uint64_t memory_window = 1U << 20U;

[[noreturn]] void refuse_field(const std::string& field, const std::string& why) {
  throw Error(Errc::unsupported, field + ": " + why);
}

std::string machine_type(const Input& input) {
  const auto& type = input.config.machine.type;
  return "machine " + (type.empty() ? std::string{input.arch.default_machine()} : type);
}

bool plugs_into_root(const Input& input, const BusLayout& layout) {
  const auto machines = input.arch.machines();
  const auto& type = input.config.machine.type;
  const auto found = std::ranges::find(machines, type.empty() ? input.arch.default_machine() : std::string_view{type},
                                       &QemuMachine::type);
  return found != machines.end() && found->root_bus_hotplug && layout.transport == VirtioTransport::pci;
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
    refuse_field("machine.root_ports", machine_type(input) + " has no PCI Express ports; leave it out");
  }
  if (ports > layout.max_root_ports && !layout.root_port_driver.empty()) {
    refuse_field("machine.root_ports",
                 machine_type(input) + " has at most " + std::to_string(layout.max_root_ports) + " root ports");
  }
  if (machine.bridges != 0 && layout.bridge_driver.empty()) {
    refuse_field("machine.bridges", machine_type(input) + " has no PCI bridges; leave it out");
  }
  if (machine.hotplug_vfio_on_root_bus && ports == 0 && !plugs_into_root(input, layout)) {
    refuse_field("machine.hotplug_vfio_on_root_bus",
                 layout.root_port_driver.empty()
                     ? machine_type(input) + " has no root bus that takes devices while the guest runs; leave it out"
                     : "it needs a root port, and machine.root_ports is 0");
  }
}

std::string hex(std::uint32_t number) {
  std::string text(8, '\0');
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number, 16).ptr;
  text.resize(static_cast<std::size_t>(end - text.data()));
  return text;
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

/// How many devices QEMU may have put on the root bus by itself, from the lowest slot or number up.
std::uint32_t placed_by_qemu(const CommandLine& line) {
  const auto& all = line.arguments();
  return static_cast<std::uint32_t>(std::ranges::count(all, "-device", &CommandLine::Argument::option));
}

std::optional<std::uint32_t> number_in(std::string_view text, int base) {
  std::uint32_t number = 0;
  if (text.starts_with("0x")) text.remove_prefix(2);
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  const bool whole = end == text.data() + text.size() || *end == '.';
  return problem == std::errc{} && whole ? std::optional{number} : std::nullopt;
}

std::string text_of(const RawDeviceConfig& raw, std::string_view key) {
  const auto* const value = raw.properties.find(key);
  return value != nullptr && value->is_string() ? value->as_string() : std::string{};
}

/// A device in QEMU's own words may name an address that would be handed out later.
void note_raw(const RawDeviceConfig& raw, Addresses& addresses) {
  const auto bus = text_of(raw, "bus");
  if (bus.starts_with(port_prefix)) {
    const auto port = number_in(std::string_view{bus}.substr(port_prefix.size()), 10);
    if (port) addresses.take_exactly(AddressSpace::root_port, port_prefix, *port, raw.id);
  } else if (addresses.has_range(AddressSpace::bridge, bus)) {
    const auto slot = number_in(text_of(raw, "addr"), 16);
    if (slot && *slot != 0) addresses.take_exactly(AddressSpace::bridge, bus, *slot, raw.id);
  }
}

}  // namespace

PlaceWish place_wish(const VmConfig& config, const DeviceConfig& device) {
  const bool on_root = config.machine.hotplug_vfio_on_root_bus && std::holds_alternative<VfioConfig>(device);
  return on_root ? PlaceWish::on_root : PlaceWish::any;
}

void detail::add_hotplug_buses(const Input& input, Plan& plan, DeviceBuilder& builder) {
  const auto layout = input.arch.buses(input.arch_input());
  check_bus_fields(input, layout);
  plan.addresses.add_range({.space = AddressSpace::chassis, .bus = "", .first = 1, .last = 255});
  plan.line.section("buses");
  add_root_ports(input, layout, plan, builder);
  add_bridges(input, layout, plan, builder);
}

void detail::note_addresses(const Input& input, Plan& plan) {
  const auto layout = input.arch.buses(input.arch_input());
  auto& addresses = plan.addresses;
  for (const auto& device : input.config.devices) {
    if (const auto* const raw = std::get_if<RawDeviceConfig>(&device)) note_raw(*raw, addresses);
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
}

}  // namespace visor::sdk::plan

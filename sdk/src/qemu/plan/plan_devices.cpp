// SPDX-License-Identifier: Apache-2.0
// The devices of a plan in their order; what each becomes is in the files beside this one.
#include "device_builder.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/device/devices.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace visor::sdk::plan {
namespace {

using detail::DeviceBuilder;
using detail::serial_bus;

template <class Device>
bool has_device(const VmConfig& config) {
  return std::ranges::any_of(config.devices, [](const auto& device) { return std::holds_alternative<Device>(device); });
}

/// Before all other devices: each asks for the IOMMU when it is made, and goes without when there is none yet.
void add_iommu(const Input& input, Plan& plan, DeviceBuilder& builder) {
  if (!input.config.machine.iommu) return;
  plan.line.section("iommu");
  for (std::size_t i = 0; i < input.config.devices.size(); ++i) {
    const auto& device = input.config.devices[i];
    if (std::holds_alternative<IommuConfig>(device)) return builder.build(i, device);
  }
  builder.because("machine.iommu");
  builder.build(IommuConfig{.id = "visor-iommu"});
}

void add_console(const Input& input, Plan& plan, DeviceBuilder& builder) {
  if (input.config.console.type == ConsoleType::none) return;
  plan.line.section("console");
  builder.because("console");
  const auto console = input.arch.console(input.arch_input());
  plan.console = builder.listen((input.run_dir / console_chardev_socket).string());
  const SocketChardev chardev{.id = "visor-console-chardev", .fd = plan.console.fd};
  builder.add(chardev);
  if (console.virtio) {
    builder.add(
        VirtioPort{.id = "visor-console", .chardev = chardev.id, .bus = std::string{serial_bus} + ".0", .name = {}});
  } else {
    builder.add(SerialConsole{.kind = console.serial, .chardev = chardev.id});
  }
}

/// Only devices that ask for translations themselves keep any: device_iotlb of the IOMMU is for those.
bool keeps_translations(const Input& input) {
  const auto& machine = input.config.machine;
  const auto buses = input.arch.buses(input.arch_input());
  if (!machine.iommu || !machine.iommu_platform || buses.transport != VirtioTransport::pci) return false;
  IommuConfig iommu;
  for (const auto& device : input.config.devices) {
    if (const auto* const given = std::get_if<IommuConfig>(&device)) iommu = *given;
  }
  return iommu.device_iotlb;
}

}  // namespace

bool has_serial_bus(const Input& input) {
  return has_device<SerialPortConfig>(input.config) ||
         (input.config.console.type != ConsoleType::none && input.arch.console(input.arch_input()).virtio);
}

std::string port_socket(const SerialPortConfig& port, const std::filesystem::path& run_dir) {
  return port.socket.empty() ? (run_dir / ("port-" + port.id + ".sock")).string() : port.socket;
}

namespace detail {

DeviceBuilder::DeviceBuilder(const Input& input, Plan& plan, int& next_fd, Plug* plug)
    : input_{input},
      plan_{plan},
      next_fd_{next_fd},
      plug_{plug},
      transport_{input.arch.buses(input.arch_input()).transport},
      choices_{input.arch.devices(input.arch_input())} {}

/// virtio 1.0 notifies by writes to memory, which a nested hypervisor has to decode; the legacy interface does by I/O
/// ports, whose exit itself says what was written. A device with that interface has no way through an IOMMU
/// (qemu: hw/virtio/virtio-pci.c).
Place virtio_place(const Input& input) {
  const auto& machine = input.config.machine;
  const bool nested = machine.nesting_checks && input.host.on_vmm && input.accelerator == Accelerator::kvm;
  const bool pci = input.arch.buses(input.arch_input()).transport == VirtioTransport::pci;
  return {.disable_modern = nested && pci && !machine.iommu_platform,
          .disable_legacy = pci && machine.iommu_platform ? OnOffAuto::on : OnOffAuto::automatic,
          .iommu_platform = machine.iommu_platform,
          .ats = keeps_translations(input)};
}

std::uint32_t number_at(const Place& place, const std::string& device) {
  std::uint32_t number = 0;
  const char* const end = place.addr.data() + place.addr.size();
  const auto [stop, problem] = std::from_chars(place.addr.data(), end, number);
  if (problem == std::errc{} && stop == end) return number;
  throw Error(Errc::invalid_config, "Device '" + device + "': '" + place.addr + "' is no number on " + place.bus);
}

Place DeviceBuilder::seat(const std::string& id) {
  const auto given = input_.places.find(id);
  if (given != input_.places.end()) return given->second;
  if (plug_ == nullptr) return {};
  return plan_.places[id] = plan_.addresses.take_place(id, plug_->wish);
}

Place DeviceBuilder::place(const std::string& id) {
  auto place = virtio_place(input_);
  auto seat = this->seat(id);
  place.bus = std::move(seat.bus);
  place.addr = std::move(seat.addr);
  place.devno = std::move(seat.devno);
  return place;
}

Place DeviceBuilder::modern_place(const std::string& id) {
  auto place = this->place(id);
  place.disable_modern = false;
  place.disable_legacy = OnOffAuto::automatic;
  return place;
}

std::string DeviceBuilder::machine() const { return "machine " + input_.machine_type(); }

void DeviceBuilder::because(std::string reason) {
  because_ = std::move(reason);
  plan_.line.because(because_);
}

void add_fixed_devices(const Input& input, Plan& plan, int& next_fd) {
  DeviceBuilder builder{input, plan, next_fd};
  add_iommu(input, plan, builder);
  add_hotplug_buses(input, plan, builder);
  if (has_serial_bus(input)) {
    plan.line.section("buses");
    builder.because("serial ports and the virtio console sit on it");
    builder.need_serial_bus();
  }
  add_console(input, plan, builder);
  if (!builder.choices().panic.empty() && !has_device<PanicConfig>(input.config)) {
    plan.line.section("devices");
    builder.because("without it a panic looks like a reset");
    builder.add(PanicDevice{.id = "visor-panic", .driver = builder.choices().panic});
  }
}

void add_user_devices(const Input& input, Plan& plan, int& next_fd) {
  DeviceBuilder builder{input, plan, next_fd};
  plan.line.section("devices");
  for (std::size_t i = 0; i < input.config.devices.size(); ++i) {
    const auto& device = input.config.devices[i];
    if (std::holds_alternative<IommuConfig>(device)) continue;  // add_iommu() had it
    builder.build(i, device);
  }
  add_virtio_mem(input, plan, builder);
}

}  // namespace detail
}  // namespace visor::sdk::plan

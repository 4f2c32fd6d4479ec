// SPDX-License-Identifier: Apache-2.0
#include "devices.hpp"

#include "arguments.hpp"
#include "refusal.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ranges>
#include <utility>

namespace visor::testing {
namespace {

constexpr std::uint64_t slots_of_a_bus = 32;
constexpr std::uint64_t functions_of_a_slot = 8;
constexpr std::uint64_t four_gib = std::uint64_t{4} << 30U;

std::string description(const FakeDevice& device) {
  return device.driver + (device.id.empty() ? "" : ",id=" + device.id);
}

bool is_virtio_mem(const FakeDevice& device) { return device.driver.starts_with("virtio-mem-"); }

std::optional<std::uint64_t> hex_of(std::string text) {
  if (!text.starts_with("0x")) text.insert(0, "0x");
  return number_of(Value{text});
}

/// Slot and function together, of "0x1", "1.0" or 8.
std::optional<std::uint64_t> devfn_of(const Value& addr) {
  if (addr.kind() == Value::Kind::integer) return number_of(addr);
  const auto& text = addr.as_string();
  const auto dot = text.find('.');
  const auto slot = hex_of(text.substr(0, dot));
  const auto function = dot == std::string::npos ? std::optional<std::uint64_t>{0} : hex_of(text.substr(dot + 1));
  if (!slot || !function || *function >= functions_of_a_slot) return std::nullopt;
  return *slot * functions_of_a_slot + *function;
}

std::string hex(std::uint64_t number) {
  std::array<char, 20> text{};
  (void)std::snprintf(text.data(), text.size(), "%llx", static_cast<unsigned long long>(number));
  return text.data();
}

}  // namespace

Devices::Devices(const CommandLine& line, const Profile& profile, Backends& backends, Cpus& cpus)
    : target_{target_of(line)},
      machine_{line.machine},
      acpi_hotplug_{line.acpi_hotplug},
      profile_{profile},
      backends_{backends},
      cpus_{cpus} {
  for (const auto& device : line.devices) add(device, true);
}

const FakeDevice* Devices::find(const std::string& id) const {
  const auto found = std::ranges::find_if(
      devices_, [&](const auto& one) { return id.starts_with('/') ? one.path == id : !id.empty() && one.id == id; });
  return found == devices_.end() ? nullptr : &*found;
}

FakeDevice* Devices::change(const std::string& id) {
  const auto* const found = find(id);
  return found == nullptr ? nullptr : &devices_[static_cast<std::size_t>(found - devices_.data())];
}

FakeDevice* Devices::find_driver(std::string_view beginning) {
  const auto found = std::ranges::find_if(devices_, [&](const auto& one) { return one.driver.starts_with(beginning); });
  return found == devices_.end() ? nullptr : &*found;
}

bool Devices::takes_no_hotplug(const std::string& bus) const { return bus == "pcie.0" || bus == "virtio-mmio-bus.23"; }

std::string Devices::default_bus(Socket socket, const std::string& driver) const {
  const auto none = [&](const std::string& kind) { refuse("No '" + kind + "' bus found for device '" + driver + "'"); };
  const auto of_controller = [&](std::string_view controller, const std::string& kind) {
    const auto found =
        std::ranges::find_if(devices_, [&](const auto& one) { return one.driver.starts_with(controller); });
    if (found == devices_.end()) none(kind);
    return bus_of(found->driver, found->id);
  };
  switch (socket) {
    case Socket::pci:
      if (target_ == Target::s390x || machine_ == "microvm") none("PCI");
      return target_ == Target::aarch64 || machine_.find("q35") != std::string::npos ? "pcie.0" : "pci.0";
    case Socket::scsi:
      return of_controller("virtio-scsi-", "SCSI");
    case Socket::port:
      return of_controller("virtio-serial-", "virtio-serial-bus");
    case Socket::mmio:
      return "virtio-mmio-bus.23";
    case Socket::ccw:
    case Socket::memory:
    case Socket::cpu:
    case Socket::none:
      return {};
  }
  return {};
}

bool Devices::has_bus(const std::string& name) const {
  if (name == "pcie.0" || name == "pci.0") {
    return target_ != Target::s390x && machine_ != "microvm" && default_bus(Socket::pci, {}) == name;
  }
  return std::ranges::any_of(devices_, [&](const auto& one) { return bus_of(one.driver, one.id) == name; });
}

const FakeDevice* Devices::at(const std::string& bus, std::uint64_t slot, std::uint64_t function) const {
  const auto found = std::ranges::find_if(devices_, [&](const auto& one) {
    return one.socket == Socket::pci && one.bus == bus && one.slot == slot && one.function == function;
  });
  return found == devices_.end() ? nullptr : &*found;
}

/// The first function of a slot says whether there are others.
void Devices::check_functions(const FakeDevice& device) const {
  if (device.function == 0) return;
  const auto* const first = at(device.bus, device.slot);
  if (first == nullptr) return;
  const auto* const several = first->properties.find("multifunction");
  if (several != nullptr && (text_of(*several) == "on" || text_of(*several) == "true")) return;
  refuse("PCI: single function device can't be populated in function " + hex(device.slot) + "." + hex(device.function));
}

void Devices::place_on_pci(FakeDevice& device) const {
  if (const auto* const addr = device.properties.find("addr")) {
    const auto devfn = devfn_of(*addr);
    if (!devfn || *devfn >= slots_of_a_bus * functions_of_a_slot) {
      refuse("Property '" + device.driver + ".addr' doesn't take value '" + text_of(*addr) + "'");
    }
    device.slot = *devfn / functions_of_a_slot;
    device.function = *devfn % functions_of_a_slot;
    if (const auto* const there = at(device.bus, device.slot, device.function)) {
      refuse("PCI: slot " + std::to_string(device.slot) + " function " + std::to_string(device.function) +
             " not available for " + device.driver + ", in use by " + description(*there));
    }
    return check_functions(device);
  }
  for (device.slot = device.bus.ends_with(".0") ? 1 : 0; device.slot < slots_of_a_bus; ++device.slot) {
    if (at(device.bus, device.slot) == nullptr) return;
  }
  refuse("PCI: no slot/function available for " + device.driver + ", all in use or reserved");
}

/// Finds the bus of a device, and its slot.
void Devices::place(FakeDevice& device) const {
  if (const auto* const bus = device.properties.find("bus")) {
    device.bus = text_of(*bus);
    if (!device.cold && !has_bus(device.bus)) refuse("Bus '" + device.bus + "' not found");
  } else {
    device.bus = default_bus(device.socket, device.driver);
  }
  if (!device.cold && takes_no_hotplug(device.bus)) refuse("Bus '" + device.bus + "' does not support hotplugging");
  if (!device.id.empty() && find(device.id) != nullptr) refuse("Duplicate device ID '" + device.id + "'");
  if (device.socket == Socket::pci) place_on_pci(device);
  if (device.socket == Socket::memory) {
    if (device.properties.find("memdev") == nullptr) refuse("'memdev' property must be set");
    const auto taken = [&](const auto& one) { return one.socket == Socket::memory && one.slot == device.slot; };
    while (std::ranges::any_of(devices_, taken)) ++device.slot;
  }
}

void Devices::add(const Value& properties, bool cold) {
  Arguments given{properties};
  FakeDevice device;
  device.id = given.text("id", "");
  if (given.find("id") != nullptr && !is_identifier(device.id)) refuse("Parameter 'id' expects an identifier");
  device.driver = given.text("driver");
  if (!cold && !has_driver(device.driver, target_)) refuse("'" + device.driver + "' is not a valid device model name");
  if (!cold && profile_.device_add_checks_types) check_types(properties);
  device.socket = socket_of(device.driver);
  if (!cold && device.socket == Socket::none) refuse("Parameter 'driver' expects a pluggable device type");
  device.properties = properties;
  device.cold = cold;
  place(device);
  if (!cold) backends_.check(device.driver, properties);  // -drive, for instance, is not read
  device.path = device.id.empty() ? "/machine/peripheral-anon/device[" + std::to_string(nameless_) + "]"
                                  : "/machine/peripheral/" + device.id;
  if (device.socket == Socket::cpu) {
    device.cpu = cpus_.find_place(device.driver, properties);
    cpus_.plug(*device.cpu, device.path);
  }
  if (device.id.empty()) ++nameless_;
  backends_.attach(device.path, properties);
  devices_.push_back(std::move(device));
}

FakeDevice& Devices::find_removable(const std::string& id) {
  const auto* const found = find(id);
  if (found == nullptr) no_such_device(id);
  if (takes_no_hotplug(found->bus)) refuse("Bus '" + found->bus + "' does not support hotplugging");
  if (found->driver == "nvdimm") refuse("nvdimm device hot unplug is not supported yet.");
  if (found->driver.starts_with("virtio-mem") || found->driver.starts_with("virtio-pmem")) {
    refuse("virtio based memory devices cannot be unplugged.");
  }
  if (found->socket == Socket::cpu && target_ == Target::s390x) {
    refuse("CPU hot unplug not supported on this machine");
  }
  if (found->socket == Socket::none) refuse("Device '" + found->driver + "' does not support hotplugging");
  return devices_[static_cast<std::size_t>(found - devices_.data())];
}

bool Devices::needs_guest(const FakeDevice& device) const {
  if (device.socket == Socket::memory) return target_ != Target::ppc64;
  if (device.socket == Socket::pci && !acpi_hotplug_) return false;
  return target_ == Target::x86_64 && (device.socket == Socket::pci || device.socket == Socket::cpu);
}

std::vector<std::string> Devices::leaving() const {
  std::vector<std::string> paths;
  for (const auto& device : devices_) {
    if (device.leaving) paths.push_back(device.path);
  }
  return paths;
}

std::vector<std::string> Devices::remove(const std::string& path) {
  const auto found = std::ranges::find(devices_, path, &FakeDevice::path);
  if (found == devices_.end()) return {};
  std::vector<std::string> inner;
  if (found->driver.starts_with("virtio-") && (found->socket == Socket::pci || found->socket == Socket::ccw)) {
    inner.push_back(path + "/virtio-backend");
  }
  if (found->cpu && target_ == Target::ppc64) {
    for (const auto* part : {"/thread[0]/icp", "/thread[0]/xive-tctx", "/thread[0]"}) inner.push_back(path + part);
  }
  if (is_acpi_cpu(*found)) inner.push_back(path + "/lapic");
  if (found->cpu) cpus_.unplug(*found->cpu);
  backends_.detach(path);
  devices_.erase(found);
  return inner;
}

Value Devices::virtio_mem_entry(const FakeDevice& device) const {
  const auto memdev = text_of(device.properties.at("memdev"));
  const auto* const requested = device.properties.find("requested-size");
  return Value::map({{"type", "virtio-mem"},
                     {"data", Value::map({{"memdev", "/objects/" + memdev},
                                          {"requested-size", requested == nullptr ? Value{0} : *requested},
                                          {"size", device.amount},
                                          {"max-size", backends_.size_of_object(memdev)},
                                          {"block-size", 2U << 20U},
                                          {"memaddr", 2 * four_gib},
                                          {"node", 0},
                                          {"id", device.id}})}});
}

Value Devices::list_block_stats() const {
  auto all = Value::list();
  for (const auto& device : devices_) {
    const auto* const drive = device.properties.find("drive");
    if (drive == nullptr) continue;
    const auto stats = Value::map(
        {{"rd_bytes", 4096}, {"rd_operations", 8}, {"wr_bytes", 512}, {"wr_operations", 1}, {"flush_operations", 0}});
    all.push_back(Value::map(
        {{"device", ""}, {"qdev", device.path + "/virtio-backend"}, {"node-name", text_of(*drive)}, {"stats", stats}}));
  }
  return all;
}

Value Devices::list_memory() const {
  auto all = Value::list();
  auto address = four_gib;
  for (const auto& device : devices_) {
    if (is_virtio_mem(device)) all.push_back(virtio_mem_entry(device));
    if (device.socket != Socket::memory) continue;
    const auto memdev = text_of(device.properties.at("memdev"));
    const auto size = backends_.size_of_object(memdev);
    all.push_back(Value::map({{"type", device.driver == "nvdimm" ? "nvdimm" : "dimm"},
                              {"data", Value::map({{"memdev", "/objects/" + memdev},
                                                   {"hotplugged", !device.cold},
                                                   {"addr", address},
                                                   {"hotpluggable", true},
                                                   {"size", size},
                                                   {"slot", device.slot},
                                                   {"node", 0},
                                                   {"id", device.id}})}}));
    address += size;
  }
  return all;
}

Value Devices::list_ids() const {
  auto all = Value::list();
  all.push_back(Value::map({{"name", "type"}, {"type", "string"}}));
  for (const auto& device : devices_) {
    if (!device.id.empty()) all.push_back(Value::map({{"name", device.id}, {"type", "child<" + device.driver + ">"}}));
  }
  return all;
}

Value Devices::list_bus(const std::string& bus, std::uint64_t number, std::uint64_t& last) const {
  auto all = Value::list();
  for (const auto& device : devices_) {
    if (device.socket != Socket::pci || device.bus != bus) continue;
    auto one = Value::map({{"bus", number}, {"slot", device.slot}, {"function", device.function}});
    one.set("qdev_id", device.id);
    const auto behind = bus_of(device.driver, device.id);
    if (behind == device.id && !behind.empty()) {
      const auto secondary = ++last;
      one.set("pci_bridge", Value::map({{"bus", Value::map({{"number", number}, {"secondary", secondary}})},
                                        {"devices", list_bus(behind, secondary, last)}}));
    }
    all.push_back(std::move(one));
  }
  return all;
}

Value Devices::list_pci() const {
  auto all = Value::list();
  if (target_ == Target::s390x || machine_ == "microvm") return all;
  std::uint64_t last = 0;
  all.push_back(Value::map({{"bus", 0}, {"devices", list_bus(default_bus(Socket::pci, {}), 0, last)}}));
  return all;
}

std::uint64_t Devices::plugged_memory() const {
  std::uint64_t bytes = 0;
  for (const auto& device : devices_) {
    bytes += is_virtio_mem(device) ? device.amount : 0;
    if (device.socket == Socket::memory) bytes += backends_.size_of_object(text_of(device.properties.at("memdev")));
  }
  return bytes;
}

}  // namespace visor::testing

// SPDX-License-Identifier: Apache-2.0
// Ports, and devices that are little more than their name.
#include "device_builder.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/device/boot.hpp"
#include "visor/sdk/device/devices.hpp"
#include "visor/sdk/device/memory.hpp"
#include "visor/sdk/device/pci.hpp"

#include <algorithm>
#include <cstddef>

namespace visor::sdk::plan::detail {
namespace {

/// QEMU has 32 places for files, fills some itself, and aborts when there is none left: with 18 blobs on a bare q35.
/// (hw/nvram/fw_cfg.c, FW_CFG_FILE_SLOTS_DFLT)
constexpr std::ptrdiff_t most_blobs = 10;

void set_raw(PropertyBag& bag, const std::string& key, const Value& value) {
  if (!is_property_name(key) || key == "id" || key == "driver") {
    refuse_field(Errc::invalid_config, "properties", "'" + key + "' is no name of a property that can be given here");
  }
  switch (value.kind()) {
    case Value::Kind::boolean:
      bag.set(key, value.as_bool());
      return;
    case Value::Kind::string:
      if (breaks_arguments(value.as_string())) {
        refuse_field(Errc::invalid_config, "properties." + key, "must not contain a NUL or a newline");
      }
      bag.set(key, value.as_string());
      return;
    case Value::Kind::integer:
      if (value.as_number() < 0) {
        bag.set(key, std::to_string(value.as_int()));
      } else {
        bag.set(key, value.as_uint());
      }
      return;
    default:
      refuse_field(Errc::invalid_config, "properties." + key,
                   "must be a text, an integer or true or false, found " + std::string{to_string(value.kind())});
  }
}

}  // namespace

void DeviceBuilder::need_serial_bus() {
  const std::string id{serial_bus};
  if (plan_.addresses.has(id)) return;
  if (plug_ != nullptr && transport_ == VirtioTransport::mmio) {
    refuse(Errc::unsupported, "the bus of serial ports of " + machine() +
                                  " cannot be plugged; have it from the start, with a port in the configuration");
  }
  add(VirtioSerial{.id = id, .transport = transport_, .place = place(id)});
  if (plug_ != nullptr) add_port_range(plan_.addresses, 0);
  if (!plan_.addresses.has(id)) plan_.addresses.claim(id);
}

/// QEMU numbers those from the start itself, from the lowest number up.
std::optional<std::uint32_t> DeviceBuilder::port_number(const std::string& id) {
  const auto bus = std::string{serial_bus} + ".0";
  const auto given = input_.places.find(id);
  if (given != input_.places.end()) return number_at(given->second, id);
  if (plug_ == nullptr) return std::nullopt;
  const auto number = plan_.addresses.take(AddressSpace::port, bus, id);
  plan_.places[id] = {.bus = bus, .addr = std::to_string(number)};
  return number;
}

void DeviceBuilder::operator()(const SerialPortConfig& port) {
  need_serial_bus();
  const auto chardev = chardev_of(port.id);
  const auto path = port_socket(port, input_.run_dir);
  if (plug_ == nullptr) {
    const auto listener = listen(path);
    add(SocketChardev{.id = chardev, .fd = listener.fd});
    plan_.ports.push_back(listener);
  } else {
    plug_->parts.add_socket(chardev, {.path = path, .server = true});
  }
  add(VirtioPort{.id = port.id,
                 .chardev = chardev,
                 .bus = std::string{serial_bus} + ".0",
                 .name = port.name,
                 .number = port_number(port.id)});
}

void DeviceBuilder::operator()(const RngConfig& rng) {
  const auto& host = input_.config.host;
  const bool own = !rng.source.empty();
  const auto& source = own ? rng.source : host.entropy_source;
  check_allowed(own ? because_ + ".source" : "host.entropy_source", source, "host.allowed_entropy_sources",
                host.allowed_entropy_sources);
  add(VirtioRng{.id = rng.id,
                .source = source,
                .transport = transport_,
                .max_bytes = rng.max_bytes,
                .period_ms = rng.period_ms,
                .place = place(rng.id)});
}

void DeviceBuilder::operator()(const BalloonConfig& balloon) {
  add(VirtioBalloon{.id = balloon.id,
                    .deflate_on_oom = balloon.deflate_on_oom,
                    .free_page_reporting = balloon.free_page_reporting,
                    .transport = transport_,
                    .place = place(balloon.id)});
}

void DeviceBuilder::operator()(const PanicConfig& panic) {
  if (choices_.panic.empty()) {
    refuse(Errc::unsupported, machine() + (choices_.panic_built_in ? " tells of panics without a device; leave it out"
                                                                   : " has no device that tells of panics"));
  }
  add(PanicDevice{.id = panic.id, .driver = choices_.panic});
}

/// What it does when it expires is an option of the whole machine: -action, in plan.cpp.
void DeviceBuilder::operator()(const WatchdogConfig& watchdog) {
  if (choices_.watchdog.empty()) refuse(Errc::unsupported, machine() + " has no watchdog; leave it out");
  plan_.line.add("-device", PropertyBag::device(choices_.watchdog).set("id", watchdog.id));
}

void DeviceBuilder::operator()(const FwCfgConfig& blob) {
  if (!choices_.fw_cfg_refusal.empty()) refuse(Errc::unsupported, choices_.fw_cfg_refusal);
  const auto blobs = std::ranges::count(plan_.line.arguments(), "-fw_cfg", &CommandLine::Argument::option);
  if (blobs >= most_blobs) {
    refuse(Errc::unsupported, "a VM has at most " + std::to_string(most_blobs) + " fw_cfg blobs; put several into one");
  }
  add(FwCfg{.name = blob.name, .file = blob.path, .text = blob.text});
}

/// It stands before all others, since a device asks for it when it is made: add_fixed_devices().
void DeviceBuilder::operator()(const IommuConfig& iommu) {
  if (choices_.iommu != "intel-iommu") refuse(Errc::unsupported, machine() + " has no IOMMU; leave it out");
  add(IntelIommu{.id = iommu.id,
                 .interrupt_remapping = iommu.interrupt_remapping ? OnOffAuto::on : OnOffAuto::off,
                 .device_iotlb = iommu.device_iotlb,
                 .caching_mode = iommu.caching_mode});
}

void DeviceBuilder::operator()(const RawDeviceConfig& raw) {
  if (!is_property_name(raw.driver)) {
    refuse_field(Errc::invalid_config, "driver", "'" + raw.driver + "' is no name of a QEMU device");
  }
  auto bag = PropertyBag::device(raw.driver).set("id", raw.id);
  if (!raw.properties.is_null()) {
    for (const auto& [key, value] : raw.properties.as_map()) set_raw(bag, key, value);
  }
  plan_.line.add("-device", bag);
  plan_.customised = true;
}

}  // namespace visor::sdk::plan::detail

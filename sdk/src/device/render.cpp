// SPDX-License-Identifier: Apache-2.0
// From a struct to properties and options, by its table.
#include "fields.hpp"
#include "table.hpp"
#include "visor/sdk/device/devices.hpp"

namespace visor::sdk {
namespace {

struct Same {
  const void* other;
  template <class T>
  bool operator()(const T& member) const {
    return member == *static_cast<const T*>(other);
  }
};

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts) out += (out.empty() ? "" : ":") + text;
  return out;
}

/// A member that is said, as a property.
struct ToProperty {
  using Property = PropertyBag::Property;
  Property operator()(bool member) const { return member; }
  Property operator()(int member) const { return static_cast<std::uint64_t>(member); }
  Property operator()(const std::string& member) const { return member; }
  Property operator()(const std::vector<std::string>& member) const { return joined(member); }
  template <std::unsigned_integral T>
  Property operator()(T member) const {
    return std::uint64_t{member};
  }
  template <class T>
  Property operator()(const std::optional<T>& member) const {
    return member ? (*this)(*member) : Property{};
  }
};

std::optional<PropertyBag::Property> property_of(const DeviceTable& table, const DeviceField& field,
                                                 const void* device) {
  if (field.key.empty()) return std::nullopt;
  if (field.compute != nullptr) return field.compute(device);
  if (!is_said(table, field, device)) return std::nullopt;
  if (field.storage == FieldStorage::choice) return std::string{field.choices.at(choice_of(field, device))};
  return visit_member(field, device, ToProperty{});
}

PropertyBag empty_bag(const DeviceTable& table, const void* device) {
  switch (table.kind) {
    case DeviceOption::device:
      return PropertyBag::device(type_of(table, device));
    case DeviceOption::object:
      return PropertyBag::object(type_of(table, device));
    case DeviceOption::netdev:
      return PropertyBag::netdev(type_of(table, device));
    case DeviceOption::blockdev:
      return PropertyBag::block(type_of(table, device));
    case DeviceOption::chardev:
      return PropertyBag::chardev(type_of(table, device));
    case DeviceOption::worded:
      return PropertyBag::machine(type_of(table, device));
    case DeviceOption::keyval:
    case DeviceOption::plain:
      break;
  }
  return PropertyBag::keys();
}

void render_plain(const DeviceField& field, const void* device, CommandLine& line) {
  if (field.storage == FieldStorage::boolean) return line.flag(field.key);
  const auto value = read_field(field, device);
  if (field.storage != FieldStorage::texts) return line.plain(field.key, value.as_string());
  for (const auto& text : value.as_list()) line.plain(field.key, text.as_string());
}

}  // namespace

std::string virtio_driver(std::string_view base, VirtioTransport transport) {
  switch (transport) {
    case VirtioTransport::pci:
      return std::string{base} + "-pci";
    case VirtioTransport::ccw:
      return std::string{base} + "-ccw";
    case VirtioTransport::mmio:
      return std::string{base} + "-device";
  }
  throw Error(Errc::internal, "Unknown virtio transport");
}

std::uint8_t choice_of(const DeviceField& field, const void* device) {
  return *static_cast<const std::uint8_t*>(field.member(device));
}

std::size_t variant_of(const DeviceTable& table, const void* device) {
  return table.variant == nullptr ? 0 : table.variant(device);
}

VirtioTransport transport_of(const DeviceTable& table, const void* device) {
  if (table.transport != nullptr) return table.transport(device);
  if (table.variants.empty()) return VirtioTransport::pci;
  const auto where = table.variants.at(variant_of(table, device)).transports;
  return (where & on_pci) != 0   ? VirtioTransport::pci
         : (where & on_ccw) != 0 ? VirtioTransport::ccw
                                 : VirtioTransport::mmio;
}

bool is_changed(const DeviceTable& table, const DeviceField& field, const void* device) {
  return field.member != nullptr && !visit_member(field, device, Same{field.member(table.defaults)});
}

bool is_said(const DeviceTable& table, const DeviceField& field, const void* device) {
  if (field.member == nullptr || (field.variants >> variant_of(table, device) & 1U) == 0) return false;
  return field.always || is_changed(table, field, device);
}

std::string type_of(const DeviceTable& table, const void* device) {
  const auto type = table.variants.at(variant_of(table, device)).type;
  return table.virtio ? virtio_driver(type, transport_of(table, device)) : std::string{type};
}

void add_properties(PropertyBag& bag, const DeviceTable& table, const void* device) {
  for (const auto& field : table.fields) {
    if (field.type == FieldType::options) continue;
    const auto property = property_of(table, field, device);
    if (!property) continue;
    std::visit([&](const auto& value) { bag.set(std::string{field.key}, value); }, *property);
  }
}

PropertyBag properties_of(const DeviceTable& table, const void* device) {
  auto bag = empty_bag(table, device);
  add_properties(bag, table, device);
  return bag;
}

void render_fields(const DeviceTable& table, const void* device, CommandLine& line) {
  if (table.kind != DeviceOption::plain) return line.add(table.option, properties_of(table, device));
  for (const auto& field : table.fields) {
    if (!field.key.empty() && is_said(table, field, device)) render_plain(field, device, line);
  }
}

}  // namespace visor::sdk

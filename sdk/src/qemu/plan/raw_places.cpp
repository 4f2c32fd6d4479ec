// SPDX-License-Identifier: Apache-2.0
#include "raw_places.hpp"

#include "visor/core/error.hpp"

#include <algorithm>
#include <charconv>

namespace visor::sdk::plan::detail {
namespace {

std::optional<std::uint32_t> number_in(std::string_view text, int base) {
  std::uint32_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return problem == std::errc{} && end == text.data() + text.size() ? std::optional{number} : std::nullopt;
}

/// What QEMU reads "1e.3" as, or "0x1e"; it takes a number without a prefix for a hexadecimal one, too.
std::optional<std::uint32_t> devfn_of(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  const auto dot = std::min(text.find('.'), text.size());
  const auto slot = number_in(text.substr(0, dot), 16);
  const auto function = dot == text.size() ? std::optional{0U} : number_in(text.substr(dot + 1), 16);
  if (!slot || *slot > last_slot || !function || *function >= functions) return std::nullopt;
  return *slot * functions + *function;
}

std::string text_of(const RawDeviceConfig& raw, std::string_view key) {
  const auto* const value = raw.properties.find(key);
  if (value == nullptr) return {};
  if (value->kind() == Value::Kind::integer && value->as_number() >= 0) return std::to_string(value->as_uint());
  return value->is_string() ? value->as_string() : std::string{};
}

}  // namespace

std::string hex(std::uint32_t number) {
  std::string text(8, '\0');
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number, 16).ptr;
  text.resize(static_cast<std::size_t>(end - text.data()));
  return text;
}

void RawPlaces::note(const std::string& path, const RawDeviceConfig& raw) {
  const auto addr = text_of(raw, "addr");
  const auto devfn = devfn_of(addr);
  if (!addr.empty() && !devfn) return;  // QEMU says what is wrong with it
  field_ = path + ".properties.";
  const auto bus = text_of(raw, "bus");
  const auto* const key = devfn ? "addr" : "bus";
  if (const auto port = number_of(bus, port_prefix, ports_, "machine.root_ports", "root port")) {
    if (devfn.value_or(0) >= functions) {
      refuse("addr", bus + " leads to slot 0 alone, and a guest finds nothing in another; leave addr out");
    }
    sit(bus, devfn.value_or(0), key, raw.id);
    take(AddressSpace::root_port, std::string{port_prefix}, *port, raw.id);
  } else if (number_of(bus, bridge_prefix, bridges_, "machine.bridges", "bridge")) {
    const auto where = devfn ? *devfn : free_slot(bus);
    sit(bus, where, key, raw.id);
    if (where >= functions) take(AddressSpace::bridge, bus, where / functions, raw.id);  // slot 0 is not handed out
  } else if (devfn && (bus.empty() || bus == root_)) {
    check_root_slot(*devfn / functions);
  }
}

void RawPlaces::refuse(std::string_view key, const std::string& why) const {
  throw Error(Errc::invalid_config, field_ + std::string{key} + ": " + why);
}

std::optional<std::uint32_t> RawPlaces::number_of(std::string_view bus, std::string_view prefix, std::uint32_t count,
                                                  const std::string& field, const std::string& what) const {
  const auto number = bus.starts_with(prefix) ? number_in(bus.substr(prefix.size()), 10) : std::nullopt;
  if (number && *number >= count) {
    refuse("bus", "there is no " + what + " '" + std::string{bus} + "'; " + field + " is " + std::to_string(count) +
                      ", and they are counted from 0");
  }
  return number;
}

std::uint32_t RawPlaces::free_slot(const std::string& bus) {
  std::uint32_t devfn = 0;
  while (taken_[bus].contains(devfn)) devfn += functions;
  if (devfn / functions > last_slot) refuse("bus", "all slots of " + bus + " are taken; take another bus");
  return devfn;
}

void RawPlaces::sit(const std::string& bus, std::uint32_t devfn, std::string_view key, const std::string& id) {
  const auto [there, fresh] = taken_[bus].emplace(devfn, id);
  if (fresh) return;
  refuse(key, hex(devfn / functions) + '.' + hex(devfn % functions) + " of " + bus + " is taken by '" + there->second +
                  "'; take another");
}

void RawPlaces::take(AddressSpace space, const std::string& bus, std::uint32_t number, const std::string& id) {
  if (!addresses_.has_range(space, bus)) return;  // what the buses lack was said
  if (noted_.emplace(space, bus, number).second) addresses_.take_exactly(space, bus, number, id);
}

void RawPlaces::check_root_slot(std::uint32_t slot) const {
  const auto where = "slot " + hex(slot) + " of " + root_;
  if (slot <= first_port_slot && (first_port_slot - slot) * functions < ports_) {
    refuse("addr", where + " has root ports; take another slot, or set machine.root_ports: 0");
  }
  if (slot >= first_bridge_slot_ && slot - first_bridge_slot_ < bridges_) {
    refuse("addr", where + " has a bridge; take another slot, or set machine.bridges: 0");
  }
}

}  // namespace visor::sdk::plan::detail

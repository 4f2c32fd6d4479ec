// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/place.hpp"

#include "check.hpp"

#include <charconv>

namespace visor::sdk {
namespace {

/// The number that hex text is as a whole, if it is at most `most`.
std::optional<unsigned> hex(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, 16);
  if (error != std::errc{} || stop != end || value > most) return std::nullopt;
  return value;
}

/// What comes before the first dot; the rest stays.
std::string_view take_part(std::string_view& text) {
  const auto dot = std::min(text.find('.'), text.size());
  const auto part = text.substr(0, dot);
  text.remove_prefix(std::min(dot + 1, text.size()));
  return part;
}

bool is_pci_address(std::string_view text) {
  if (text.ends_with('.')) return false;
  auto slot = take_part(text);
  if (slot.starts_with("0x")) slot.remove_prefix(2);
  return hex(slot, 31) && (text.empty() || hex(text, 7));
}

/// qemu: hw/s390x/css.c, css_devid_set(): the number has four digits.
bool is_devno(std::string_view text) {
  const auto subsystem = take_part(text);
  const auto set = take_part(text);
  return subsystem.size() <= 2 && hex(subsystem, 255) && set.size() == 1 && hex(set, 3) && text.size() == 4 &&
         hex(text, 0xffff);
}

}  // namespace

void Place::check(std::string_view what, const std::string& id, VirtioTransport transport) const {
  const auto only = [&](VirtioTransport where, bool set, const char* field, const char* name) {
    if (set && transport != where) refuse(what, id, std::string{field} + " is only there on " + name);
  };
  only(VirtioTransport::pci, !addr.empty(), "addr", "pci");
  only(VirtioTransport::pci, romfile.has_value(), "romfile", "pci");
  only(VirtioTransport::pci, disable_modern, "disable_modern", "pci");
  only(VirtioTransport::ccw, !devno.empty(), "devno", "ccw");
  if (!bus.empty() && transport == VirtioTransport::ccw) refuse(what, id, "bus is not there on ccw, use devno");
  if (!addr.empty() && !is_pci_address(addr)) {
    refuse(what, id, "addr must be a slot up to 1f and perhaps a function up to 7, found '" + addr + "'");
  }
  if (!devno.empty() && !is_devno(devno)) refuse(what, id, "devno must be like fe.0.0004, found '" + devno + "'");
}

void Place::check_plain(std::string_view what, const std::string& id, VirtioTransport transport) const {
  if (disable_modern) refuse(what, id, "disable_modern is only there on virtio devices");
  if (iommu_platform) refuse(what, id, "iommu_platform is only there on virtio devices");
  check(what, id, transport);
}

void Place::add_to(PropertyBag& bag) const {
  bag.set_if("bus", bus).set_if("addr", addr).set_if("devno", devno);
  if (romfile) bag.set("romfile", *romfile);
  if (disable_modern) bag.set("disable-modern", true);
  if (iommu_platform) bag.set("iommu_platform", true);
}

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/place.hpp"

#include "fields.hpp"
#include "table.hpp"

namespace visor::sdk {
namespace {

/// A place by itself, as it stands in a device.
struct Placed {
  std::string id;
  Place place;
  VirtioTransport transport = VirtioTransport::pci;
};

DeviceTable make_table(bool virtio) {
  TableBuilder<Placed> table("Place", "Place", "Where a device is plugged.");
  table.virtio = virtio;
  return std::move(table).with({id_field<&Placed::id>()}).placed<&Placed::place>();
}

void check_placed(DeviceTable table, std::string_view what, const Placed& placed) {
  table.what = what;
  check_fields(table, &placed);
}

}  // namespace

void Place::check(std::string_view what, const std::string& id, VirtioTransport transport) const {
  check_placed(make_table(true), what, {id, *this, transport});
}

void Place::check_plain(std::string_view what, const std::string& id, VirtioTransport transport) const {
  check_placed(make_table(false), what, {id, *this, transport});
}

void Place::add_to(PropertyBag& bag) const {
  static const auto table = make_table(true);
  const Placed placed{"", *this};
  add_properties(bag, table, &placed);
}

}  // namespace visor::sdk

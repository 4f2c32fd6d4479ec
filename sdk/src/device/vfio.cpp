// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/vfio.hpp"

#include "table.hpp"

namespace visor::sdk {
namespace {

constexpr std::string_view what = "Host device";

}  // namespace

const DeviceTable& VfioPci::describe() {
  using D = VfioPci;
  static const DeviceTable table =
      TableBuilder<D>("VfioPci", what, "A PCI device of the host, or a mediated one.")
          .is("vfio-pci", on_pci)
          .with({
              id_field<&D::id>(),
              field<&D::host>("host", "host", "Its address on the host.").as(FieldType::host_address),
              path_field<&D::sysfsdev>("sysfsdev", "sysfsdev", "Its folder below /sys."),
              field<&D::vendor_id>("vendor_id", "x-pci-vendor-id", "What the guest sees instead of its own."),
              field<&D::device_id>("device_id", "x-pci-device-id", "What the guest sees instead of its own."),
          })
          .placed<&D::place>();
  return table;
}

void VfioPci::validate() const {
  check_fields(describe(), this);
  if (host.empty() == sysfsdev.empty()) {
    refuse_device(describe(), this, "either host or sysfsdev must be given, and not both");
  }
}

PropertyBag VfioPci::properties() const { return properties_of(describe(), this); }

void VfioPci::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& VfioCcw::describe() {
  using D = VfioCcw;
  static const DeviceTable table =
      TableBuilder<D>("VfioCcw", what, "A channel device of an s390x host, mediated.")
          .is("vfio-ccw", on_ccw)
          .with({
              id_field<&D::id>(),
              path_field<&D::sysfsdev>("sysfsdev", "sysfsdev", "Its folder below /sys.").needed(),
              field<&D::devno>("devno", "devno", "Its number in the guest.").as(FieldType::devno),
          });
  return table;
}

void VfioCcw::validate() const { check_fields(describe(), this); }

PropertyBag VfioCcw::properties() const { return properties_of(describe(), this); }

void VfioCcw::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& VfioAp::describe() {
  using D = VfioAp;
  static const DeviceTable table =
      TableBuilder<D>("VfioAp", what, "A matrix of crypto adapters of an s390x host.")
          .is("vfio-ap", on_ccw)
          .with({
              id_field<&D::id>(),
              path_field<&D::sysfsdev>("sysfsdev", "sysfsdev", "Its folder below /sys.").needed(),
          });
  return table;
}

void VfioAp::validate() const { check_fields(describe(), this); }

PropertyBag VfioAp::properties() const { return properties_of(describe(), this); }

void VfioAp::render(CommandLine& line) const { render_fields(describe(), this, line); }

}  // namespace visor::sdk

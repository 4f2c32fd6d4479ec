// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/vfio.hpp"

#include "check.hpp"

#include <algorithm>

namespace visor::sdk {
namespace {

constexpr std::string_view what = "Host device";

/// "[domain:]bus:slot.function" in hex.
bool is_host_address(std::string_view text) {
  std::string shape;
  for (const char c : text) {
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    shape += digit ? 'x' : c;
  }
  return shape == "xx:xx.x" || shape == "xxxx:xx:xx.x";
}

void check_sysfsdev(const std::string& id, const std::string& path) {
  if (!is_absolute(path)) refuse(what, id, "sysfsdev must be an absolute path, found '" + path + "'");
}

}  // namespace

void VfioPci::validate() const {
  check_id(what, id);
  if (host.empty() == sysfsdev.empty()) refuse(what, id, "either host or sysfsdev must be given, and not both");
  if (!host.empty() && !is_host_address(host)) refuse(what, id, "host must be like 0000:01:00.0, found '" + host + "'");
  if (host.empty()) check_sysfsdev(id, sysfsdev);
  place.check_plain(what, id, VirtioTransport::pci);
}

PropertyBag VfioPci::properties() const {
  auto bag = PropertyBag::device("vfio-pci");
  bag.set("id", id).set_if("host", host).set_if("sysfsdev", sysfsdev);
  set_if(bag, "x-pci-vendor-id", vendor_id);
  set_if(bag, "x-pci-device-id", device_id);
  place.add_to(bag);
  return bag;
}

void VfioPci::render(CommandLine& line) const { line.add("-device", properties()); }

void VfioCcw::validate() const {
  check_id(what, id);
  check_sysfsdev(id, sysfsdev);
  Place{.devno = devno}.check_plain(what, id, VirtioTransport::ccw);
}

PropertyBag VfioCcw::properties() const {
  return PropertyBag::device("vfio-ccw").set("id", id).set("sysfsdev", sysfsdev).set_if("devno", devno);
}

void VfioCcw::render(CommandLine& line) const { line.add("-device", properties()); }

void VfioAp::validate() const {
  check_id(what, id);
  check_sysfsdev(id, sysfsdev);
}

PropertyBag VfioAp::properties() const {
  return PropertyBag::device("vfio-ap").set("id", id).set("sysfsdev", sysfsdev);
}

void VfioAp::render(CommandLine& line) const { line.add("-device", properties()); }

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/net.hpp"

#include "check.hpp"
#include "visor/sdk/device/devices.hpp"

#include <algorithm>

namespace visor::sdk {
namespace {

constexpr std::string_view backend = "Network backend";
constexpr std::string_view card = "Network card";
constexpr std::size_t max_interface_name = 15;  // linux: IFNAMSIZ less the final NUL
constexpr std::uint32_t max_queues = 256;       // linux: drivers/net/tun.c, MAX_TAP_QUEUES

void check_queues(std::string_view what, const std::string& id, std::uint32_t queues, std::uint32_t least) {
  if (queues < least || queues > max_queues) {
    refuse(what, id, "queues must be from " + std::to_string(least) + " to 256, found " + std::to_string(queues));
  }
}

void check_list(const std::string& id, const char* field, const std::vector<std::string>& names) {
  const bool bad =
      std::ranges::any_of(names, [](const auto& name) { return name.empty() || name.find(':') != std::string::npos; });
  if (bad) refuse(backend, id, std::string{field} + " must not be empty or contain ':'");
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ":") + name;
  return out;
}

bool is_mac(std::string_view text) {
  if (text.size() != 17) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (i % 3 == 2 ? c != ':' : !digit) return false;
  }
  return true;
}

}  // namespace

void TapNetdev::validate() const {
  check_id(backend, id);
  if (fds.empty() == ifname.empty()) refuse(backend, id, "either ifname or fds must be given, and not both");
  if (ifname.size() > max_interface_name) refuse(backend, id, "ifname must not be longer than 15 bytes");
  check_list(id, "fds", fds);
  check_list(id, "vhost_fds", vhost_fds);
  check_queues(backend, id, fds.empty() ? queues : static_cast<std::uint32_t>(fds.size()), 1);
  if (!fds.empty() && queues > 1 && queues != fds.size()) refuse(backend, id, "there must be one of fds a queue");
  if (!vhost_fds.empty() && vhost_fds.size() != fds.size()) {
    refuse(backend, id,
           "there must be as many vhost_fds (" + std::to_string(vhost_fds.size()) + ") as fds (" +
               std::to_string(fds.size()) + ")");
  }
}

PropertyBag TapNetdev::properties() const {
  auto bag = PropertyBag::netdev("tap");
  bag.set("id", id);
  if (fds.empty()) {
    bag.set("ifname", ifname).set("script", script).set("downscript", downscript);
    if (queues > 1) bag.set("queues", std::uint64_t{queues});
  } else {
    bag.set("fds", joined(fds));
  }
  // Without vhostforce QEMU 7.2 aborts when vhost does not work (net_client_init1); with it, it says so.
  if (vhost || !vhost_fds.empty()) bag.set("vhost", true).set("vhostforce", true);
  return bag.set_if("vhostfds", joined(vhost_fds));
}

void TapNetdev::render(CommandLine& line) const { line.add("-netdev", properties()); }

void UserNetdev::validate() const { check_id(backend, id); }

PropertyBag UserNetdev::properties() const {
  auto bag = PropertyBag::netdev("user").set("id", id);
  return isolated ? bag.set("restrict", true) : bag;
}

void UserNetdev::render(CommandLine& line) const { line.add("-netdev", properties()); }

void VhostUserNetdev::validate() const {
  check_id(backend, id);
  check_reference(backend, id, "chardev", chardev);
  check_queues(backend, id, queues, 1);
}

PropertyBag VhostUserNetdev::properties() const {
  auto bag = PropertyBag::netdev("vhost-user").set("id", id).set("chardev", chardev);
  return queues > 1 ? bag.set("queues", std::uint64_t{queues}) : bag;
}

void VhostUserNetdev::render(CommandLine& line) const { line.add("-netdev", properties()); }

void VirtioNet::validate() const {
  check_id(card, id);
  check_reference(card, id, "netdev", netdev);
  if (!mac.empty() && !is_mac(mac)) refuse(card, id, "mac must be like 52:54:00:12:34:56, found '" + mac + "'");
  check_queues(card, id, queues, 0);
  place.check(card, id, transport);
}

PropertyBag VirtioNet::properties() const {
  auto bag = PropertyBag::device(virtio_driver("virtio-net", transport));
  bag.set("id", id).set("netdev", netdev).set_if("mac", mac);
  if (queues > 0) bag.set("mq", true);
  if (queues > 0 && transport == VirtioTransport::pci) bag.set("vectors", std::uint64_t{queues} * 2 + 2);
  place.add_to(bag);
  return bag;
}

void VirtioNet::render(CommandLine& line) const { line.add("-device", properties()); }

}  // namespace visor::sdk

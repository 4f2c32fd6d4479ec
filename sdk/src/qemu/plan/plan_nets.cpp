// SPDX-License-Identifier: Apache-2.0
// Network cards.
#include "device/fnv.hpp"
#include "device_builder.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/device/net.hpp"

#include <array>
#include <cstdint>
#include <cstdio>

namespace visor::sdk::plan::detail {
namespace {

/// The kernel moves the packets where that is wanted and the host has it; emulated guests do without.
bool uses_vhost(const Input& input, const NicConfig& nic) {
  return nic.vhost && input.config.network.vhost && input.host.vhost_net && input.accelerator == Accelerator::kvm;
}

}  // namespace

std::string netdev_of(const std::string& device) { return device + "-net"; }

/// QEMU would give the first card of every VM the same address, and two such VMs in one network hear nothing of each
/// other. This one follows from the VM's UUID, and from its id while it has none.
std::string DeviceBuilder::mac_of(const std::string& configured, const std::string& id) const {
  if (!configured.empty()) return configured;
  const auto hash = fnv1a(input_.uuid + '/' + input_.id + '/' + id);
  std::array<char, 18> text{};
  const auto byte = [&](unsigned index) { return static_cast<unsigned>(hash >> (8 * index) & 0xff); };
  // IEEE 802: bit 1 of the first byte is set in addresses that nobody was given
  (void)std::snprintf(text.data(), text.size(), "02:%02x:%02x:%02x:%02x:%02x", byte(0), byte(1), byte(2), byte(3),
                      byte(4));
  return text.data();
}

void DeviceBuilder::operator()(const NicConfig& nic) {
  const auto netdev = netdev_of(nic.id);
  switch (nic.backend) {
    case NicBackend::user:
      add(UserNetdev{.id = netdev});
      break;
    case NicBackend::tap:
      add(TapNetdev{.id = netdev, .ifname = nic.interface, .queues = nic.queues, .vhost = uses_vhost(input_, nic)});
      break;
    case NicBackend::vdpa:
      add(VdpaNetdev{.id = netdev, .path = nic.interface, .queues = nic.queues});
      break;
    case NicBackend::macvtap:
    case NicBackend::ipvtap:
      refuse_field(Errc::unsupported, "backend",
                   "QEMU opens a macvtap or ipvtap by no name, and this version of the QEMU driver passes it no "
                   "descriptors; take a tap");
    default:
      refuse_field(Errc::unsupported, "backend", "the QEMU driver does not know this network backend");
  }
  add(VirtioNet{.id = nic.id,
                .netdev = netdev,
                .mac = mac_of(nic.mac, nic.id),
                .transport = transport_,
                .queues = nic.queues > 1 ? nic.queues : 0,
                .place = place(nic.id)});
}

}  // namespace visor::sdk::plan::detail

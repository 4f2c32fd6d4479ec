// SPDX-License-Identifier: Apache-2.0
// Network cards.
#include "device_builder.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/device/net.hpp"

namespace visor::sdk::plan::detail {
namespace {

/// The kernel moves the packets where that is wanted and the host has it; emulated guests do without.
bool uses_vhost(const Input& input, const NicConfig& nic) {
  return nic.vhost && input.config.network.vhost && input.host.vhost_net && input.accelerator == Accelerator::kvm;
}

}  // namespace

void DeviceBuilder::operator()(const NicConfig& nic) {
  const auto netdev = nic.id + "-net";
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
      refuse(Errc::unsupported, nic.id,
             "QEMU opens a macvtap or ipvtap by no name, and this version of the QEMU driver passes it no descriptors; "
             "take a tap");
    default:
      refuse(Errc::unsupported, nic.id, "the QEMU driver does not know this network backend");
  }
  add(VirtioNet{.id = nic.id,
                .netdev = netdev,
                .mac = nic.mac,
                .transport = transport_,
                .queues = nic.queues > 1 ? nic.queues : 0,
                .place = place()});
}

}  // namespace visor::sdk::plan::detail

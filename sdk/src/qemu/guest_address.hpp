// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/device_config.hpp"
#include "visor/core/vm_state.hpp"
#include "visor/sdk/device/place.hpp"
#include "visor/sdk/qmp/client.hpp"

namespace visor::sdk {

/// Where the guest finds a device that was put there. [blocks] For PCI QEMU is asked which number the guest, or its
/// firmware, gave the bus: "0000:01:00.0". A bus behind a port or bridge has none before that; then, and when QEMU does
/// not say, the address is in QEMU's words, "visor-port0:00.0".
///
///   "ccw"   channel subsystem, set and device number: "0.0.0005"
///   "scsi"  host, channel, target and unit: "0:0:3:0". The host is the guest's own number of the controller, 0 for
///           the first one that its drivers found; the others are certain
///   "port"  the port's name in /sys/class/virtio-ports/*/name
HotplugResult guest_address(qmp::Client& client, const DeviceConfig& device, const Place& place,
                            const CallContext& call);

/// The address of a device in the answer of query-pci; empty when it is not there.
std::string pci_address(const Value& buses, std::string_view id);

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
// Devices that come and go while the VM runs.
#include "qemu_vm.hpp"
#include "visor/core/error.hpp"

namespace visor::sdk {

HotplugResult QemuVm::hotplug_add(const DeviceConfig& device, const CallContext&) {
  const auto feature_of = [this](const DeviceConfig& config) {
    if (std::holds_alternative<DiskConfig>(config)) return Feature::hotplug_disk;
    if (std::holds_alternative<NicConfig>(config)) return Feature::hotplug_nic;
    if (std::holds_alternative<SerialPortConfig>(config)) return Feature::hotplug_serial_port;
    if (std::holds_alternative<VsockConfig>(config)) return Feature::hotplug_vsock;
    if (std::holds_alternative<VfioConfig>(config)) return Feature::hotplug_vfio;
    if (std::holds_alternative<VhostUserConfig>(config)) return Feature::hotplug_vhost_user;
    throw Error(Errc::unsupported, driver_->name() + " does not support plugging a " +
                                       std::string{device_type(config)} + " device into a running VM");
  };
  capabilities().require(feature_of(device), driver_->name());
  throw Error(Errc::internal, "Hotplug is claimed but not built");
}

UnplugOutcome QemuVm::hotplug_remove(std::string_view, const CallContext&) {
  capabilities().require(Feature::hotplug_disk, driver_->name());
  throw Error(Errc::internal, "Hotplug is claimed but not built");
}

}  // namespace visor::sdk

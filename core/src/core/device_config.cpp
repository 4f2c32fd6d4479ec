// SPDX-License-Identifier: Apache-2.0
#include "visor/core/device_config.hpp"

#include <array>

namespace visor {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<DeviceConfig>> type_names = {
    "disk",    "share", "nic",      "serial_port", "vsock", "vfio",     "vhost_user", "rng",
    "balloon", "panic", "watchdog", "fw_cfg",      "iommu", "iothread", "raw"};

}  // namespace

std::string_view device_type(const DeviceConfig& device) noexcept { return type_names[device.index()]; }

const std::string& device_id(const DeviceConfig& device) noexcept {
  return std::visit([](const auto& one) -> const std::string& { return one.id; }, device);
}

void set_device_id(DeviceConfig& device, std::string id) {
  std::visit([&id](auto& one) { one.id = std::move(id); }, device);
}

}  // namespace visor

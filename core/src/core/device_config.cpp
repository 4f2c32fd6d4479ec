// SPDX-License-Identifier: Apache-2.0
#include "visor/core/device_config.hpp"

#include <array>

template class std::vector<visor::DeviceConfig>;

namespace visor {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<DeviceVariant>> type_names = {
    "disk",    "share", "nic",      "serial_port", "vsock", "vfio",     "vhost_user", "rng",
    "balloon", "panic", "watchdog", "fw_cfg",      "iommu", "iothread", "raw"};

}  // namespace

DeviceConfig::DeviceConfig() noexcept = default;
DeviceConfig::DeviceConfig(const DeviceConfig& other) = default;
DeviceConfig::DeviceConfig(DeviceConfig&& other) noexcept = default;
DeviceConfig& DeviceConfig::operator=(const DeviceConfig& other) = default;
DeviceConfig& DeviceConfig::operator=(DeviceConfig&& other) noexcept = default;
DeviceConfig::~DeviceConfig() = default;

bool DeviceConfig::operator==(const DeviceConfig& other) const {
  return static_cast<const DeviceVariant&>(*this) == static_cast<const DeviceVariant&>(other);
}

template <DeviceType T>
DeviceConfig::DeviceConfig(T device) noexcept : DeviceVariant{std::move(device)} {}

template DeviceConfig::DeviceConfig(DiskConfig) noexcept;
template DeviceConfig::DeviceConfig(ShareConfig) noexcept;
template DeviceConfig::DeviceConfig(NicConfig) noexcept;
template DeviceConfig::DeviceConfig(SerialPortConfig) noexcept;
template DeviceConfig::DeviceConfig(VsockConfig) noexcept;
template DeviceConfig::DeviceConfig(VfioConfig) noexcept;
template DeviceConfig::DeviceConfig(VhostUserConfig) noexcept;
template DeviceConfig::DeviceConfig(RngConfig) noexcept;
template DeviceConfig::DeviceConfig(BalloonConfig) noexcept;
template DeviceConfig::DeviceConfig(PanicConfig) noexcept;
template DeviceConfig::DeviceConfig(WatchdogConfig) noexcept;
template DeviceConfig::DeviceConfig(FwCfgConfig) noexcept;
template DeviceConfig::DeviceConfig(IommuConfig) noexcept;
template DeviceConfig::DeviceConfig(IoThreadConfig) noexcept;
template DeviceConfig::DeviceConfig(RawDeviceConfig) noexcept;

std::string_view device_type(const DeviceConfig& device) noexcept { return type_names[device.index()]; }

const std::string& device_id(const DeviceConfig& device) noexcept {
  return std::visit([](const auto& one) -> const std::string& { return one.id; }, device);
}

void set_device_id(DeviceConfig& device, std::string id) {
  std::visit([&id](auto& one) { one.id = std::move(id); }, device);
}

}  // namespace visor

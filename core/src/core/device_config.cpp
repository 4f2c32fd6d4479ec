// SPDX-License-Identifier: Apache-2.0
#include "visor/core/device_config.hpp"

#include <array>

template class std::vector<visor::DeviceConfig>;

namespace visor {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<DeviceVariant>> type_names = {
    "disk",    "share", "nic",      "serial_port", "vsock", "vfio",     "vhost_user", "rng",
    "balloon", "panic", "watchdog", "fw_cfg",      "iommu", "iothread", "cloud_init", "raw"};

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

DeviceConfig::DeviceConfig(DiskConfig device) noexcept : DeviceVariant{std::move(device)} {}
DeviceConfig::DeviceConfig(ShareConfig device) noexcept : DeviceVariant{std::move(device)} {}
DeviceConfig::DeviceConfig(NicConfig device) noexcept : DeviceVariant{std::move(device)} {}
DeviceConfig::DeviceConfig(SerialPortConfig device) noexcept : DeviceVariant{std::move(device)} {}
DeviceConfig::DeviceConfig(VsockConfig device) noexcept : DeviceVariant{std::move(device)} {}
DeviceConfig::DeviceConfig(VfioConfig device) noexcept : DeviceVariant{std::move(device)} {}
DeviceConfig::DeviceConfig(VhostUserConfig device) noexcept : DeviceVariant{std::move(device)} {}
DeviceConfig::DeviceConfig(RngConfig device) noexcept : DeviceVariant{std::move(device)} {}
DeviceConfig::DeviceConfig(BalloonConfig device) noexcept : DeviceVariant{std::move(device)} {}
DeviceConfig::DeviceConfig(PanicConfig device) noexcept : DeviceVariant{std::move(device)} {}
DeviceConfig::DeviceConfig(WatchdogConfig device) noexcept : DeviceVariant{std::move(device)} {}
DeviceConfig::DeviceConfig(FwCfgConfig device) noexcept : DeviceVariant{std::move(device)} {}
DeviceConfig::DeviceConfig(IommuConfig device) noexcept : DeviceVariant{std::move(device)} {}
DeviceConfig::DeviceConfig(IoThreadConfig device) noexcept : DeviceVariant{std::move(device)} {}
DeviceConfig::DeviceConfig(CloudInitConfig device) noexcept : DeviceVariant{std::move(device)} {}
DeviceConfig::DeviceConfig(RawDeviceConfig device) noexcept : DeviceVariant{std::move(device)} {}

std::string_view device_type(const DeviceConfig& device) noexcept { return type_names[device.index()]; }

const std::string& device_id(const DeviceConfig& device) noexcept {
  return std::visit([](const auto& one) -> const std::string& { return one.id; }, device);
}

void set_device_id(DeviceConfig& device, std::string id) {
  std::visit([&id](auto& one) { one.id = std::move(id); }, device);
}

}  // namespace visor

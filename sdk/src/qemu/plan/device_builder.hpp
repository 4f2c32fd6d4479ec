// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "plan.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/device/disk.hpp"
#include "visor/sdk/device/place.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace visor::sdk::plan::detail {

/// The bus of serial ports and of the virtio console.
inline constexpr std::string_view serial_bus = "visor-serial";

/// How a disk of this configuration is attached: as it says itself, or else as `storage.driver` does.
/// Throws unsupported for what the machine or the driver does not have.
DiskBus bus_of(const Input& input, const DiskConfig& disk);

/// Leads from each configured device to what QEMU is told, one overload a type. What cannot be is refused with
/// invalid_config or unsupported, naming the device; none is left out.
class DeviceBuilder {
 public:
  DeviceBuilder(const Input& input, Plan& plan, int& next_fd);

  void operator()(const DiskConfig& disk);
  void operator()(const ShareConfig& share);
  void operator()(const NicConfig& nic);
  void operator()(const SerialPortConfig& port);
  void operator()(const VsockConfig& vsock);
  void operator()(const VfioConfig& vfio);
  void operator()(const VhostUserConfig& served);
  void operator()(const RngConfig& rng);
  void operator()(const BalloonConfig& balloon);
  void operator()(const PanicConfig& panic);
  void operator()(const WatchdogConfig& watchdog);
  void operator()(const FwCfgConfig& blob);
  void operator()(const IommuConfig& iommu);
  void operator()(const IoThreadConfig& thread);
  void operator()(const RawDeviceConfig& raw);

  /// The device at hand, and why it is there.
  void because(std::string reason);
  /// Checks it and puts it on the command line.
  template <class Device>
  void add(const Device& device) {
    device.validate();
    device.render(plan_.line);
  }
  /// A socket on which QEMU listens through the next descriptor.
  Listener listen(std::string path) { return {next_fd_++, std::move(path)}; }

  /// What stands with every virtio device.
  [[nodiscard]] Place place() const;
  [[nodiscard]] VirtioTransport transport() const noexcept { return transport_; }
  [[nodiscard]] const DeviceChoices& choices() const noexcept { return choices_; }

 private:
  [[nodiscard]] std::string machine() const;
  /// The configured address of a network card, or one that is this card's alone.
  [[nodiscard]] std::string mac_of(const std::string& configured, const std::string& id) const;
  std::string iothread_of(const DiskConfig& disk);
  [[nodiscard]] BlockNode node_of(const DiskConfig& disk) const;
  void add_virtio_disk(const DiskConfig& disk);
  void add_scsi_disk(const DiskConfig& disk);
  void connect(const std::string& chardev, const std::string& socket);
  void add_served_card(const VhostUserConfig& served, const std::string& chardev);

  const Input& input_;
  Plan& plan_;
  int& next_fd_;
  VirtioTransport transport_;
  DeviceChoices choices_;
  std::string because_;                           // of the device at hand
  std::map<std::string, std::uint32_t> targets_;  // the next one of each SCSI controller, by its id
  bool disks_thread_ = false;                     // the thread of storage.iothreads is there
};

/// Throws the code with "Device '<id>': <why>".
[[noreturn]] void refuse(Errc code, const std::string& id, const std::string& why);

}  // namespace visor::sdk::plan::detail

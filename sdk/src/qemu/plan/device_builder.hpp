// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "device/device_error.hpp"
#include "plan.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/device/disk.hpp"
#include "visor/sdk/device/place.hpp"
#include "visor/sdk/hotplug/plugging.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace visor::sdk::plan::detail {

/// The bus of serial ports and of the virtio console.
inline constexpr std::string_view serial_bus = "visor-serial";
/// Ports on it that are plugged later. (qemu: hw/char/virtio-serial-bus.c, 31 of which the first is a console's)
inline constexpr std::uint32_t last_serial_port = 30;
void add_port_range(Addresses& addresses, std::uint32_t taken);

/// Refuses a disk, of whatever kind, cloud-init's too, where storage.disable_block says so.
void refuse_disabled_block(const VmConfig& config);

/// How a disk of this configuration is attached: as it says itself, or else as `storage.driver` does.
/// Throws unsupported for what the machine or the driver does not have.
DiskBus bus_of(const Input& input, const DiskConfig& disk);

/// Why a device, or one field of it, cannot be. DeviceBuilder::build() says of which device.
class Refusal final : public Error {
 public:
  Refusal(Errc code, std::string_view field, const std::string& why) : Error{code, why}, field_{field} {}
  [[nodiscard]] const std::string& field() const noexcept { return field_; }

 private:
  std::string field_;
};

/// The target or number that a place has in decimal (Input::places). Throws invalid_config.
std::uint32_t number_at(const Place& place, const std::string& device);
/// The names of what stands behind a device.
std::string netdev_of(const std::string& device);
std::string chardev_of(const std::string& device);
/// The disk's own thread, or the one that storage.iothreads asks for; empty: QEMU's main loop.
std::string thread_of(const Input& input, const DiskConfig& disk);
/// The controller of SCSI disks on a thread; empty: QEMU's main loop.
std::string scsi_controller_of(const std::string& thread);

/// Throws a Refusal of the device at hand.
[[noreturn]] void refuse(Errc code, const std::string& why);
/// Throws a Refusal of one field of it.
[[noreturn]] void refuse_field(Errc code, std::string_view field, const std::string& why);

/// Notes what a device struct found wrong: with the section's key for it where there is one ("devices[3].serial: …").
void note(Plan& plan, const std::string& path, const Section* section, const DeviceError& error);
/// Checks a device struct and puts it on the command line. With anything wrong it is noted and not put there: false.
template <class Device>
bool add_checked(Plan& plan, const std::string& path, const Section* section, const Device& device) {
  try {
    device.validate();
    device.render(plan.line);
    return true;
  } catch (const DeviceError& error) {
    note(plan, path, section, error);
    return false;
  }
}

class DeviceBuilder;
/// Ports and bridges that devices are plugged into while the guest runs. Before all devices that QEMU finds a place
/// for: those then leave the slots of these alone.
void add_hotplug_buses(const Input& input, Plan& plan, DeviceBuilder& builder);

/// The device by which memory grows where it does not by modules: empty at first. After all others, whose places it
/// leaves alone.
void add_virtio_mem(const Input& input, Plan& plan, DeviceBuilder& builder);

/// The same for what a section of the configuration asks for, whose keys its problems name.
template <class Device>
void add_of_section(Plan& plan, std::string_view section, const Device& device) {
  const auto* const field = vm_config_section().find(section);
  add_checked(plan, std::string{section}, field != nullptr ? field->section : nullptr, device);
}

/// What is said of every virtio device's place: the IOMMU, and the legacy interface where the host is a guest itself.
Place virtio_place(const Input& input);

/// What a device becomes that is plugged into a running VM.
struct Plug {
  hotplug::Plugging& parts;
  int vhost = -1;  ///< the open /dev/vhost-vsock of a vsock device
  PlaceWish wish = PlaceWish::any;
};

/// Leads from each configured device to what QEMU is told, one overload a type. What cannot be is noted in
/// Plan::problems as "devices[i].field: why"; no device is left out. With a Plug the same goes to that, too, and the
/// plan's addresses are those of the running VM: a device gets its place from them.
class DeviceBuilder {
 public:
  DeviceBuilder(const Input& input, Plan& plan, int& next_fd, Plug* plug = nullptr);

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
  void operator()(const CloudInitConfig& cloud);
  void operator()(const RawDeviceConfig& raw);

  /// Puts the configured device of this number on the command line, or notes why it cannot be.
  void build(std::size_t index, const DeviceConfig& device);
  /// The same for one that was not configured itself; because() was called.
  void build(const DeviceConfig& device);
  /// The device at hand is there because of this, which also begins each of its problems.
  void because(std::string reason);
  /// Checks it and puts it on the command line. With anything wrong it is noted and not put there; the next may be.
  template <class Device>
  void add(const Device& device) {
    const bool right = add_checked(plan_, because_, section_, device);
    if constexpr (requires(hotplug::Plugging& parts) { parts.add(device); }) {
      if (right && plug_ != nullptr) plug_->parts.add(device);
    }
  }
  /// A socket on which QEMU listens through the next descriptor.
  Listener listen(std::string path) { return {next_fd_++, std::move(path)}; }

  /// Where the device of this id is, if that is given or it is plugged now; else QEMU chooses.
  Place seat(const std::string& id);
  /// The same with what stands with every virtio device.
  Place place(const std::string& id);
  /// The same for a device that has no legacy interface, and no property that says so.
  Place modern_place(const std::string& id);
  /// The bus of serial ports, unless it is there.
  void need_serial_bus();
  [[nodiscard]] VirtioTransport transport() const noexcept { return transport_; }
  [[nodiscard]] const DeviceChoices& choices() const noexcept { return choices_; }

 private:
  [[nodiscard]] std::string machine() const;
  /// The configured address of a network card, or one that is this card's alone.
  [[nodiscard]] std::string mac_of(const std::string& configured, const std::string& id) const;
  std::string iothread_of(const DiskConfig& disk);
  ScsiAddress scsi_address(const std::string& bus, const std::string& id);
  std::optional<std::uint32_t> port_number(const std::string& id);
  [[nodiscard]] BlockNode node_of(const DiskConfig& disk) const;
  void add_virtio_disk(const DiskConfig& disk);
  void add_scsi_disk(const DiskConfig& disk);
  void connect(const std::string& chardev, const std::string& socket);
  void add_served_share(const ShareConfig& share);
  void add_served_card(const VhostUserConfig& served, const std::string& chardev);

  const Input& input_;
  Plan& plan_;
  int& next_fd_;
  Plug* plug_;  // null: it is for the command line
  VirtioTransport transport_;
  DeviceChoices choices_;
  std::string because_;               // of the device at hand
  const Section* section_ = nullptr;  // the fields that it has in the configuration
};

}  // namespace visor::sdk::plan::detail

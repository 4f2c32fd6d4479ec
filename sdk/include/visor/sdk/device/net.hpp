// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/qemu_arch.hpp"
#include "visor/sdk/device/command_line.hpp"
#include "visor/sdk/device/place.hpp"
#include "visor/sdk/device/property_bag.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace visor::sdk {

/// How an interface came to be. To QEMU each is a tap.
enum class TapKind : std::uint8_t {
  tap,
  macvtap,  ///< a character device on top of another interface: by descriptors alone
  ipvtap,   ///< the same
  vethtap,  ///< one end of a veth pair, bridged with a tap
};

/// A tap backend: an interface that QEMU makes or opens by its name, or descriptors that were opened before.
struct VISOR_SDK_EXPORT TapNetdev {
  std::string id;
  std::string ifname = {};            ///< the interface; empty with descriptors
  std::string script = "no";          ///< run when the interface is up; "no" runs none, not even QEMU's own default
  std::string downscript = "no";      ///< run when it goes
  std::uint32_t queues = 1;           ///< by name only: as many as there are descriptors otherwise
  bool vhost = false;                 ///< the kernel moves the packets; QEMU opens /dev/vhost-net unless it has these:
  std::vector<std::string> fds = {};  ///< one a queue: a number in QEMU's process, or a name that getfd gave
  std::vector<std::string> vhost_fds = {};  ///< none, or one for each of the others
  TapKind kind = TapKind::tap;
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;  ///< for -netdev, netdev_add
};

/// QEMU's own network behind a NAT.
struct VISOR_SDK_EXPORT UserNetdev {
  std::string id;
  bool isolated = false;  ///< the guest reaches neither the host nor anything outside
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

/// A backend in another process, behind a character device. The guest's memory must be shared.
struct VISOR_SDK_EXPORT VhostUserNetdev {
  std::string id;
  std::string chardev;
  std::uint32_t queues = 1;
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

/// A network device of the host that speaks virtio itself. QEMU maps the guest's memory for it, which must be locked.
struct VISOR_SDK_EXPORT VdpaNetdev {
  std::string id;
  std::string path = {};  ///< "/dev/vhost-vdpa-0"; or
  std::string fd = {};    ///< a descriptor of it
  std::uint32_t queues = 1;
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

/// A virtio network card on a backend of any kind.
struct VISOR_SDK_EXPORT VirtioNet {
  std::string id;
  std::string netdev;
  std::string mac = {};  ///< six bytes in hex, joined by ':'; empty lets QEMU choose
  VirtioTransport transport = VirtioTransport::pci;
  std::uint32_t queues = 0;  ///< above 0: that many pairs, and on pci an interrupt vector for each queue and two more
  std::uint16_t mtu = 0;     ///< what the guest is told; 0: nothing
  std::optional<std::uint32_t> boot_index = {};
  Place place = {};
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;  ///< for -device, device_add
};

}  // namespace visor::sdk

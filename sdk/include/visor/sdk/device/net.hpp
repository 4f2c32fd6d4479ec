// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/qemu_arch.hpp"
#include "visor/sdk/device/command_line.hpp"
#include "visor/sdk/device/place.hpp"
#include "visor/sdk/device/property_bag.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <string>
#include <vector>

namespace visor::sdk {

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
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;  ///< for -netdev, netdev_add
};

/// QEMU's own network behind a NAT.
struct VISOR_SDK_EXPORT UserNetdev {
  std::string id;
  bool isolated = false;  ///< the guest reaches neither the host nor anything outside
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

/// A backend in another process, behind a character device. The guest's memory must be shared.
struct VISOR_SDK_EXPORT VhostUserNetdev {
  std::string id;
  std::string chardev;
  std::uint32_t queues = 1;
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
  Place place = {};
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;  ///< for -device, device_add
};

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/device_config.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <string_view>

/// For programs that find a network interface ready-made, in a network namespace say, and give a VM its end of it.
namespace visor::sdk {

/// What joins the interface with the VM's network card.
enum class LinkModel : std::uint8_t {
  tap,      ///< a tap beside it, and a bridge or traffic control between them
  macvtap,  ///< a macvtap on top of it
};

/// The backend of a network card behind an interface of this kind, in the words of rtnetlink(7) (IFLA_INFO_KIND): veth,
/// macvlan, ipvlan, macvtap, ipvtap, tun. Only the first three leave the model to choose; the others are a tap already.
/// Throws unsupported for any other kind, naming those and, where there is one, the type of device that serves it.
VISOR_SDK_EXPORT NicBackend nic_backend_of(std::string_view kind, LinkModel model);

}  // namespace visor::sdk

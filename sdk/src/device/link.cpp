// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/link.hpp"

#include "visor/core/error.hpp"

#include <array>
#include <string>

namespace visor::sdk {
namespace {

struct LinkKind {
  std::string_view kind;
  NicBackend by_tap;
  NicBackend by_macvtap;
};
constexpr std::array<LinkKind, 6> kinds = {{{"veth", NicBackend::tap, NicBackend::macvtap},
                                            {"macvlan", NicBackend::tap, NicBackend::macvtap},
                                            {"ipvlan", NicBackend::tap, NicBackend::macvtap},
                                            {"macvtap", NicBackend::macvtap, NicBackend::macvtap},
                                            {"ipvtap", NicBackend::ipvtap, NicBackend::ipvtap},
                                            {"tun", NicBackend::tap, NicBackend::tap}}};

/// What has no kind is a card of the host.
std::string_view other_way(std::string_view kind) {
  if (kind.empty()) return "; a card of the host is given as a device of type vfio";
  if (kind == "vhost-user") return "; it is a device of type vhost_user";
  return "";
}

}  // namespace

NicBackend nic_backend_of(std::string_view kind, LinkModel model) {
  for (const auto& each : kinds) {
    if (each.kind == kind) return model == LinkModel::macvtap ? each.by_macvtap : each.by_tap;
  }
  std::string known;
  for (const auto& each : kinds) known += (known.empty() ? "" : ", ") + std::string{each.kind};
  throw Error(Errc::unsupported, "A network interface of kind '" + std::string{kind} +
                                     "' cannot be joined with a network card; known are " + known +
                                     std::string{other_way(kind)});
}

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/link.hpp"

#include "visor/core/error.hpp"

#include <gtest/gtest.h>

#include <string>

namespace visor::sdk {
namespace {

TEST(NetworkLinks, EachKindHasABackend) {
  using enum NicBackend;
  struct Row {
    const char* kind;
    NicBackend by_tap;
    NicBackend by_macvtap;
  };
  for (const auto& [kind, by_tap, by_macvtap] : std::initializer_list<Row>{{"veth", tap, macvtap},
                                                                           {"macvlan", tap, macvtap},
                                                                           {"ipvlan", tap, macvtap},
                                                                           {"macvtap", macvtap, macvtap},
                                                                           {"ipvtap", ipvtap, ipvtap},
                                                                           {"tun", tap, tap}}) {
    EXPECT_EQ(nic_backend_of(kind, LinkModel::tap), by_tap) << kind;
    EXPECT_EQ(nic_backend_of(kind, LinkModel::macvtap), by_macvtap) << kind;
  }
}

TEST(NetworkLinks, AnUnknownKindIsRefused) {
  const std::string known =
      "cannot be joined with a network card; known are veth, macvlan, ipvlan, macvtap, ipvtap, tun";
  struct Row {
    const char* kind;
    const char* way;
  };
  for (const auto& [kind, way] :
       std::initializer_list<Row>{{"", "; a card of the host is given as a device of type vfio"},
                                  {"vhost-user", "; it is a device of type vhost_user"},
                                  {"bond", ""},
                                  {"VETH", ""},
                                  {"veth ", ""}}) {
    try {
      (void)nic_backend_of(kind, LinkModel::tap);
      FAIL() << kind << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::unsupported);
      EXPECT_EQ(error.message(), "A network interface of kind '" + std::string{kind} + "' " + known + way);
    }
  }
}

}  // namespace
}  // namespace visor::sdk

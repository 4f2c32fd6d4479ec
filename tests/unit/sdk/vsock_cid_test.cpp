// SPDX-License-Identifier: Apache-2.0
// Which context id a VM gets, with an imagined kernel that knows which are taken.
#include "qemu/vsock_cid.hpp"

#include "qemu/plan/plan.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/device/addresses.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

namespace visor::sdk {
namespace {

/// Ids that other VMs have, and how often this one asked.
struct Host {
  std::set<std::uint32_t> taken;
  int failure = 0;  // instead of an answer
  int asked = 0;

  std::string choose(std::uint32_t cid) {
    VsockConfig vsock;
    vsock.id = "v";
    vsock.cid = cid;
    try {
      return std::to_string(choose_cid(vsock, "devices[0].cid", "vm", [&](std::uint32_t wanted) {
        ++asked;
        return failure != 0 ? failure : taken.contains(wanted) ? EADDRINUSE : 0;
      }));
    } catch (const Error& error) {
      return std::string{to_string(error.code())} + ": " + error.message();
    }
  }
};

TEST(VsockChoice, TakesTheFirstCandidateThatIsFree) {
  Host host;
  EXPECT_EQ(host.choose(0), std::to_string(vsock_cid("vm", 0)));
  host.taken = {vsock_cid("vm", 0), vsock_cid("vm", 1)};
  EXPECT_EQ(host.choose(0), std::to_string(vsock_cid("vm", 2)));
}

TEST(VsockChoice, HonoursTheConfiguredOne) {
  Host host{.taken = {vsock_cid("vm", 0)}};
  EXPECT_EQ(host.choose(42), "42");
  host.taken.insert(42);
  host.asked = 0;
  EXPECT_EQ(
      host.choose(42),
      "already_exists: devices[0].cid: the context id 42 belongs to another VM of this host; give another cid, or "
      "leave it out");
  EXPECT_EQ(host.asked, 1);
}

TEST(VsockChoice, EndsWhenNothingIsFree) {
  Host host;
  for (std::uint32_t attempt = 0; attempt < 1000; ++attempt) host.taken.insert(vsock_cid("vm", attempt));
  EXPECT_EQ(host.choose(0),
            "exhausted: devices[0].cid: none of 64 context ids that were tried is free; give a vsock "
            "device a cid");
}

TEST(VsockChoice, DoesNotTryAgainForAnotherReason) {
  Host host{.failure = EPERM};
  EXPECT_EQ(host.choose(0).substr(0, 60), "permission_denied: devices[0].cid: cannot set the context id");
  EXPECT_EQ(host.asked, 1);
}

TEST(VsockChoice, IsMadeForAVsockDeviceAlone) {
  EXPECT_FALSE(claim_vsock({}, "vm", "/nonexistent").fd);
  VmConfig config;
  VsockConfig vsock;
  vsock.id = "v";
  config.devices = {vsock};
  try {
    (void)claim_vsock(config, "vm", "/nonexistent/vhost-vsock");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "devices[0].cid: cannot open /nonexistent/vhost-vsock: No such file or directory");
  }
  vsock.id = plan::chosen_vsock_id;
  config.network.use_vsock = true;
  config.devices = {vsock};
  try {
    (void)claim_vsock(config, "vm", "/nonexistent/vhost-vsock");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.message().substr(0, 31), "network.use_vsock: cannot open ");
  }
}

}  // namespace
}  // namespace visor::sdk

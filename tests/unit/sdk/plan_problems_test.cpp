// SPDX-License-Identifier: Apache-2.0
// All that is wrong with a plan is said at once, in the words of the configuration.
#include "plan_support.hpp"
#include "qemu/plan/host_needs.hpp"
#include "visor/core/error.hpp"

#include <gtest/gtest.h>

namespace visor::sdk::plan {
namespace {

NicConfig tap(const std::string& id, const std::string& interface, const std::string& mac) {
  NicConfig nic;
  nic.id = id;
  nic.backend = NicBackend::tap;
  nic.interface = interface;
  nic.mac = mac;
  return nic;
}

/// One that the driver does not have.
NicConfig macvtap(const std::string& id) {
  auto nic = tap(id, "tap0", "");
  nic.backend = NicBackend::macvtap;
  return nic;
}

template <class Device>
Device named(const std::string& id) {
  Device device;
  device.id = id;
  return device;
}

TEST(PlanProblems, AreListedInOneError) {
  auto share = named<ShareConfig>("s");
  share.path = "relative";
  share.tag = std::string(32, 't');
  const auto answer = refusal_of("amd64", "q35", [&](auto& config) {
    config.memory.lock = true;
    config.cpu.model = "host";
    config.host.allowed_entropy_sources = {"/dev/hwrng"};
    config.devices = {tap("n", "longer-than-15-bytes", "nonsense"), named<RngConfig>("r"), share, macvtap("m")};
  });
  EXPECT_EQ(
      answer,
      "invalid_config: cpu.model: 'host' needs KVM; leave it out or name a model\n"
      "memory.lock: needs memory.realtime\n"
      "devices[0].interface: must not be longer than 15 bytes, found 20\n"
      "devices[0].mac: must be like 52:54:00:12:34:56, found 'nonsense'\n"
      "host.entropy_source: /dev/urandom is not among host.allowed_entropy_sources\n"
      "devices[2].path: must be an absolute path, found 'relative'\n"
      "devices[2].tag: must not be longer than 31 bytes, found 32\n"
      "devices[3].backend: QEMU opens a macvtap or ipvtap by no name, and this version of the QEMU driver passes it no "
      "descriptors; take a tap");
}

TEST(PlanProblems, OfOneKindKeepTheirCode) {
  const auto answer = refusal({macvtap("a"), macvtap("b")});
  EXPECT_EQ(answer.substr(0, 32), "unsupported: devices[0].backend:");
  EXPECT_NE(answer.find("\ndevices[1].backend: "), std::string::npos);
}

TEST(PlanProblems, WhatAllDisksShareIsSaidOnce) {
  DiskConfig disk;
  disk.path = "/i/root.img";
  disk.id = "a";
  auto other = disk;
  other.id = "b";
  const auto answer = refusal_of("amd64", "q35", [&](auto& config) {
    config.storage.driver = BlockDriver::virtio_mmio;
    config.devices = {disk, other};
  });
  EXPECT_EQ(answer.substr(0, 28), "unsupported: storage.driver:");
  EXPECT_EQ(answer.find('\n'), std::string::npos) << answer;
}

TEST(PlanProblems, NameTheKeyThatTheUserWrote) {
  auto vfio = named<VfioConfig>("h");
  vfio.sysfs_path = "relative";
  auto served = named<VhostUserConfig>("u");
  served.socket = "relative";
  auto port = named<SerialPortConfig>("p");
  port.name = "a\nb";
  auto blob = named<FwCfgConfig>("b");
  blob.name = "mine";
  blob.text = "x";
  auto raw = named<RawDeviceConfig>("r");
  raw.driver = "virtio-rng-pci";
  raw.properties = Value::map({{"good", 1}, {"bad", "a\nb"}});
  const auto answer = refusal({vfio, served, port, blob, raw});
  EXPECT_EQ(answer,
            "invalid_config: devices[0].sysfs_path: must be an absolute path, found 'relative'\n"
            "devices[1].socket: must be an absolute path, found 'relative'\n"
            "devices[2].name: must not contain a NUL or a newline\n"
            "devices[3].name: must begin with opt/, the rest is QEMU's own, found 'mine'\n"
            "devices[4].properties.bad: must not contain a NUL or a newline");
}

TEST(PlanProblems, WhatThisQemuLacksIsListedToo) {
  auto caps = default_qemu_caps();
  caps.binary = "/usr/bin/qemu";
  caps.devices = {"virtio-serial-pci", "virtserialport", "virtio-blk-pci"};
  auto config = with({named<RngConfig>("r"), named<BalloonConfig>("b"), macvtap("m")});
  try {
    (void)plan_of("amd64", config, Accelerator::tcg, caps);
    FAIL() << "accepted";
  } catch (const Error& error) {
    const auto& text = error.message();
    for (const char* wanted :
         {"devices[2].backend: ", "\ndevices[0]: ", "\ndevices[1]: ", "no device 'virtio-rng-pci'"}) {
      EXPECT_NE(text.find(wanted), std::string::npos) << wanted << " in " << text;
    }
  }
}

TEST(PlanProblems, WhatTheHostLacksIsListed) {
  VmConfig config;
  config.devices = {named<VsockConfig>("v"), named<RngConfig>("r"), tap("n", "tap0", "")};
  try {
    check_host(config, {.dev = "/nowhere", .sys = "/nowhere"});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::unsupported);
    EXPECT_EQ(error.message().find("devices[0]: a vsock device needs"), 0U) << error.message();
    EXPECT_NE(error.message().find("\ndevices[2]: a tap network card needs"), std::string::npos) << error.message();
  }
}

}  // namespace
}  // namespace visor::sdk::plan

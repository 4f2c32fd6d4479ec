// SPDX-License-Identifier: Apache-2.0
// What the QEMU at hand lacks is refused, with what it has.
#include "caps_support.hpp"
#include "plan_support.hpp"
#include "qemu/caps/ask_caps.hpp"
#include "qemu/caps/nearest.hpp"
#include "support/error_of.hpp"
#include "visor/core/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace visor::sdk::plan {
namespace {

constexpr auto who = "QEMU 7.2.22 at /usr/bin/qemu-system-x86_64";

VmConfig with_disk() {
  auto config = base("q35");
  config.console.type = ConsoleType::none;
  DiskConfig disk;
  disk.path = "/i/root.img";
  disk.serial = "one,two";
  config.devices = {disk};
  return config;
}

QemuCaps caps() {
  auto caps = small_caps();
  caps.properties["virtio-blk-pci"] = {"addr", "drive", "serial", "share-rw", "write-cache"};
  return caps;
}

std::string refusal_of(const VmConfig& config, const QemuCaps& caps) {
  try {
    (void)plan_of("amd64", config, Accelerator::tcg, caps);
  } catch (const Error& error) {
    EXPECT_EQ(to_string(error.code()), "unsupported") << error.what();
    return error.message();
  }
  return "accepted";
}

TEST(CheckCaps, AcceptsWhatIsThere) { EXPECT_EQ(refusal_of(with_disk(), caps()), "accepted"); }

TEST(CheckCaps, NamesTheMachinesThereAre) {
  auto config = with_disk();
  config.machine.type = "microvm";
  EXPECT_EQ(refusal_of(config, caps()),
            std::string{"machine.type: "} + who + " has no machine 'microvm'; it has none, q35, pc-q35-old");
}

TEST(CheckCaps, NamesTheLimitOfTheMachine) {
  auto few = caps();
  few.machines[1].max_vcpus = 1;
  EXPECT_EQ(refusal_of(with_disk(), few),
            std::string{"cpu.count: machine 'q35' of "} + who + " has at most 1 vCPUs, not 2");
}

TEST(CheckCaps, NamesTheNearestDevices) {
  auto config = with_disk();
  RngConfig rng;
  config.devices.emplace_back(rng);
  auto without = caps();
  std::erase(without.devices, "virtio-rng-pci");
  EXPECT_EQ(refusal_of(config, without),
            std::string{"devices[1]: "} + who + " has no device 'virtio-rng-pci'; it has virtio-blk-pci, pvpanic");
}

TEST(CheckCaps, ATableRefusesNoDevice) {
  auto config = with_disk();
  config.devices.push_back(RawDeviceConfig{.id = "u", .driver = "usb-tablet", .properties = Value::map()});
  EXPECT_EQ(refusal_of(config, default_qemu_caps()), "accepted");
}

TEST(CheckCaps, TakesAnAliasWhereItsDeviceIs) {
  auto config = with_disk();
  config.devices.push_back(RawDeviceConfig{.id = "again", .driver = "virtio-blk", .properties = Value::map()});
  EXPECT_EQ(refusal_of(config, caps()), "accepted");
  std::get<RawDeviceConfig>(config.devices.back()).driver = "virtio-nothing";
  EXPECT_NE(refusal_of(config, caps()).find("has no device 'virtio-nothing'"), std::string::npos);
}

TEST(CheckCaps, NamesTheNearestProperties) {
  auto old = caps();
  old.properties["virtio-blk-pci"] = {"addr", "drive", "serials"};
  EXPECT_EQ(refusal_of(with_disk(), old), std::string{"devices[0]: "} + who +
                                              " has no property of virtio-blk-pci 'serial'; it has serials, "
                                              "drive, addr");
}

TEST(CheckCaps, NamesTheNearestObjects) {
  auto config = with_disk();
  config.devices.emplace_back(RngConfig{});
  auto old = caps();
  old.objects = {"iothread", "rng-egd"};
  EXPECT_EQ(refusal_of(config, old),
            std::string{"devices[1]: "} + who + " has no object 'rng-random'; it has rng-egd, iothread");
}

TEST(CheckCaps, TheDriversThatAreAskedAboutAreThoseOfTheTables) {
  const auto& drivers = known_drivers();
  EXPECT_TRUE(std::ranges::is_sorted(drivers));
  EXPECT_EQ(std::ranges::adjacent_find(drivers), drivers.end());
  for (const char* driver : {"virtio-blk-pci", "virtio-blk-ccw", "virtio-blk-device", "vhost-user-fs-ccw",
                             "intel-iommu", "nvdimm", "pvpanic", "scsi-hd", "spapr-vty", "sclpconsole", "vfio-ap",
                             "virtserialport", "virtconsole", "diag288", "i6300esb", "pcie-root-port"}) {
    EXPECT_TRUE(std::ranges::binary_search(drivers, driver)) << driver;
  }
  EXPECT_FALSE(std::ranges::binary_search(drivers, "vhost-user-blk-ccw")) << "QEMU has none";
}

TEST(CheckCaps, RefusesAnAioThatWasNotBuiltIn) {
  auto config = with_disk();
  std::get<DiskConfig>(config.devices[0]).aio = DiskAio::io_uring;
  EXPECT_EQ(refusal_of(config, caps()), "accepted");
  auto without = caps();
  without.features.clear();
  EXPECT_EQ(refusal_of(config, without),
            std::string{"devices[0].aio: "} + who + " was built without aio io_uring; it has threads, native");
}

TEST(CheckCaps, TheTableOf72RefusesNothingThatAGoldenPlanHas) {
  EXPECT_TRUE(default_qemu_caps().verified());
  EXPECT_EQ(default_qemu_caps().binary, "");
  EXPECT_TRUE(std::ranges::is_sorted(default_qemu_caps().devices));
}

TEST(Nearest, IsBounded) {
  EXPECT_EQ(nearest_first({"abc", "abd", "xyz", "ab"}, "abc", 2), "abc, ab and 2 more");
  EXPECT_EQ(nearest_first({"b", "a"}, "c"), "a, b");
  EXPECT_EQ(nearest_first({}, "c"), "");
  EXPECT_EQ(nearest_first({"kitten", "sitting"}, "sitting", 1), "sitting and 1 more");
}

}  // namespace
}  // namespace visor::sdk::plan

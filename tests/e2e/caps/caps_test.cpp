// SPDX-License-Identifier: Apache-2.0
// What the plugins and the driver's table state of QEMU is what the four programs say.
#include "qemu/caps/ask_caps.hpp"
#include "qemu/caps/caps_codec.hpp"
#include "qemu/caps/probe_caps.hpp"
#include "qemu/prepared.hpp"
#include "support/left_over.hpp"
#include "unit/arch/architectures.hpp"
#include "visor/sdk/process/reaper.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

/// Asked once for all tests of this process.
const QemuCaps& caps_of(const std::string& arch) {
  static std::map<std::string, QemuCaps> all;
  auto found = all.find(arch);
  if (found == all.end()) {
    found = all.emplace(arch, probe_caps(find_qemu(test::arch_of(arch), {}), 60s)).first;
  }
  return found->second;
}

class QemuCapsOf : public ::testing::TestWithParam<std::string_view> {
 protected:
  void SetUp() override { test::adopt_orphans(); }
  void TearDown() override {
    (void)reap_left_over();
    EXPECT_EQ(test::left_processes(10s), std::vector<std::string>{});
  }
  [[nodiscard]] const QemuArch& arch() const { return test::arch_of(GetParam()); }
  [[nodiscard]] const QemuCaps& caps() const { return caps_of(std::string{GetParam()}); }
};

TEST_P(QemuCapsOf, MachinesAreAsThePluginStates) {
  for (const auto& stated : arch().machines()) {
    const auto* const machine = caps().machine(stated.type);
    ASSERT_NE(machine, nullptr) << stated.type;
    EXPECT_EQ(machine->max_vcpus, stated.max_vcpus) << stated.type;
  }
  EXPECT_FALSE(caps().may_have_machine("no-such-machine"));
}

TEST_P(QemuCapsOf, DevicesAreThoseThatTheDriverMakes) {
  for (const auto& stated : arch().machines()) {
    VmConfig config;
    config.machine.type = stated.type;
    config.memory.size_mib = 512;
    config.boot.image_attachment = ImageAttachment::block;
    const HostFacts host{.arch = std::string{GetParam()}, .memory_mib = 8192, .cpus = 2};
    const ArchInput in{config, Accelerator::tcg, host, caps()};
    const auto choices = arch().devices(in);
    for (const auto& device : {choices.panic, choices.vfio, choices.watchdog}) {
      EXPECT_TRUE(device.empty() || caps().may_have_device(device)) << stated.type << " has no " << device;
    }
    for (const auto& [transport, end] :
         {std::pair{VirtioTransport::pci, "-pci"}, std::pair{VirtioTransport::ccw, "-ccw"},
          std::pair{VirtioTransport::mmio, "-device"}}) {
      if (stated.transport != transport) continue;
      for (const auto* const kind : {"virtio-blk", "virtio-rng", "virtio-serial"}) {
        EXPECT_TRUE(caps().may_have_device(std::string{kind} + end)) << kind << end;
      }
    }
  }
  EXPECT_TRUE(caps().may_have_device("virtserialport") && caps().may_have_device("virtconsole"));
}

TEST_P(QemuCapsOf, PropertiesAreThoseOfTheDriversThatAreThere) {
  EXPECT_TRUE(caps().properties.contains("virtserialport"));
  for (const auto& [driver, properties] : caps().properties) {
    EXPECT_TRUE(caps().may_have_device(driver)) << driver;
    if (driver.starts_with("virtio-blk-")) {
      EXPECT_TRUE(std::ranges::binary_search(properties, "serial")) << driver;
      EXPECT_TRUE(std::ranges::binary_search(properties, "share-rw")) << driver;
    }
  }
  EXPECT_FALSE(caps().may_have_property("virtserialport", "no-such-property"));
}

TEST_P(QemuCapsOf, ObjectsAndFeatures) {
  for (const auto* const type : {"iothread", "memory-backend-file", "memory-backend-memfd", "rng-random"}) {
    EXPECT_TRUE(caps().may_have_object(type)) << type;
  }
  EXPECT_FALSE(caps().may_have_object("virtio-blk-pci"));
  EXPECT_TRUE(caps().may_have_feature("blockdev-add:aio=io_uring"));
  EXPECT_TRUE(caps().may_have_feature("migrate-set-capabilities:capabilities.capability=x-ignore-shared"));
  // The spelling in seconds was joined by one in milliseconds in 9.2.
  EXPECT_EQ(caps().may_have_feature("chardev-add:backend.data.reconnect-ms"), caps().version >= (QemuVersion{9, 2, 0}));
}

TEST_P(QemuCapsOf, TheTextIsSmallEnoughToBeKept) {
  const CachedCaps cached{{}, caps()};
  const auto text = caps_to_text(cached);
  EXPECT_LT(text.size(), max_caps_bytes / 4);
  EXPECT_EQ(caps_from_text(text), cached);
}

INSTANTIATE_TEST_SUITE_P(Qemu, QemuCapsOf, ::testing::ValuesIn(test::architectures),
                         [](const auto& arch) { return std::string{arch.param}; });

/// The table that serves where there is no QEMU: each of its devices is one that some QEMU has.
TEST(QemuCapsTable, HasWhatTheProgramsHave) {
  test::adopt_orphans();
  for (const auto& device : default_qemu_caps().devices) {
    EXPECT_TRUE(std::ranges::any_of(test::architectures, [&](const auto arch) {
      return caps_of(std::string{arch}).may_have_device(device);
    })) << device;
  }
}

}  // namespace
}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
// Guests of the other architectures, each asked itself what it has. Few boots, for all are emulated on most hosts.
#include "guest.hpp"

#include <cstdlib>

namespace visor::test {
namespace {

class OnArch : public QemuTest, public ::testing::WithParamInterface<const char*> {
 protected:
  [[nodiscard]] const GuestArch& arch() const override { return guest_arch(GetParam()); }
  [[nodiscard]] VmConfig image_config() const {
    return QemuTest::image_config(std::string{arch().machine}, "image.ext4");
  }
  /// Two read-only disks whose serials are "first" and "second".
  void add_disks(VmConfig& config) const {
    for (const auto* serial : {"first", "second"}) {
      DiskConfig disk;
      disk.path = (guest_dir(arch().name) / "image.pfn").string();
      disk.read_only = true;
      disk.serial = serial;
      config.devices.emplace_back(disk);
    }
  }
};

TEST_P(OnArch, AnInitrdWithDisksAndPowersOffAtTheButton) {
  auto initrd = config();
  add_disks(initrd);
  const auto vm = boot(initrd);
  const auto report = read_report(*vm);
  EXPECT_EQ(report.at("nonce").as_string(), "n-4711");
  EXPECT_EQ(report.at("arch").as_string(), arch().uname);
  EXPECT_EQ(report.at("cpus").as_int(), 1);
  EXPECT_EQ(report.at("root").as_string(), "initrd");
  EXPECT_EQ(report.at("virtio").as_string(), arch().transport);
  EXPECT_EQ(agent().ask("cat /sys/class/tty/console/active"), arch().tty);
  EXPECT_EQ(agent().ask("for disk in /sys/block/vd?; do cat $disk/serial; echo; done | sort"), "first\nsecond");
  const auto console = vm->console(5s);
  console->write("typed here\n", 5s);                    // pseries' serial console has room for 16 bytes
  EXPECT_NE(read_console_until(*vm, "typed here"), "");  // the terminal's own echo
  const auto stopped = vm->stop({}, 60s);
  EXPECT_EQ(to_string(stopped.rung), "guest");
  EXPECT_EQ(to_string(stopped.exit.cause), "guest_shutdown");
  EXPECT_EQ(vm->status(1s).state, VmState::stopped);
}

TEST_P(OnArch, FourVcpusAndAnImageBesideTwoDisks) {
  auto image = image_config();
  image.cpu.count = 4;
  const bool ordered = arch().transport != "ccw";
  if (ordered) add_disks(image);
  const auto vm = boot(image);
  EXPECT_EQ(vm->config().boot.image_attachment, ImageAttachment::block);
  const auto report = read_report(*vm);
  EXPECT_EQ(report.at("cpus").as_int(), 4);
  EXPECT_EQ(report.at("root").as_string(), "/dev/vda");
  EXPECT_EQ(report.at("root_fstype").as_string(), "ext4");
  EXPECT_FALSE(report.at("root_rw").as_bool());
  EXPECT_EQ(vm->thread_ids(5s).size(), 4U);
  EXPECT_EQ(agent().ask("cat /sys/block/vd[bc]/serial 2>/dev/null || true"), ordered ? "firstsecond" : "");
  vm->stop({.force = true}, 20s);
}

TEST_P(OnArch, TheVirtioConsoleAndAPauseThatFreezes) {
  auto virtio = config();
  virtio.console.type = ConsoleType::virtio;
  virtio.machine.options.clear();  // the fast firmware of pseries needs the other console
  virtio.devices.emplace_back(RngConfig{});
  const auto vm = boot(virtio);
  auto guest = agent();
  EXPECT_EQ(guest.ask("cat /sys/class/tty/console/active"), "hvc0");
  EXPECT_EQ(guest.ask("modprobe virtio-rng; cat /sys/class/misc/hw_random/rng_current"), "virtio_rng.0");
  EXPECT_EQ(guest.ask("echo said by the guest >/dev/hvc0"), "");
  EXPECT_NE(read_console_until(*vm, "said by the guest"), "");
  expect_pause_freezes(*vm, guest);
  vm->stop({.force = true}, 20s);
}

TEST_P(OnArch, APanicIsToldWhereTheGuestReportsIt) {
  auto panicking = config();
  add_param(panicking.boot.kernel_params, "visor.panic", "0");
  const auto vm = runtime_->create(panicking, "vm");
  vm->start(30s);
  // Debian's kernel for arm64 has no driver for the device that would tell.
  EXPECT_EQ(to_string(vm->wait_exit(boot_limit).cause), arch().name == "arm64" ? "guest_reset" : "guest_panic");
}

INSTANTIATE_TEST_SUITE_P(Guests, OnArch, ::testing::Values("arm64", "ppc64le", "s390x"),
                         [](const auto& arch) { return std::string{arch.param}; });

using NvdimmOnArch = OnArch;

TEST_P(NvdimmOnArch, RootIsMountedFromItWhereFirmwareDescribesIt) {
  const char* variable = std::getenv("VISOR_TEST_ARM64_FIRMWARE");
  const std::filesystem::path firmware{variable != nullptr ? variable : "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"};
  if (!std::filesystem::exists(firmware)) {
    GTEST_SKIP() << firmware << " is missing; it comes with Debian's package qemu-efi-aarch64";
  }
  auto image = image_config();
  image.boot.firmware = firmware.string();
  image.boot.image_attachment = ImageAttachment::nvdimm;
  const auto vm = boot(image);
  const auto report = read_report(*vm);
  EXPECT_EQ(report.at("root").as_string(), "/dev/pmem0");
  EXPECT_FALSE(report.at("root_dax").as_bool());
  EXPECT_FALSE(report.at("root_rw").as_bool());
  vm->stop({.force = true}, 20s);
}

INSTANTIATE_TEST_SUITE_P(Guests, NvdimmOnArch, ::testing::Values("arm64"),
                         [](const auto& arch) { return std::string{arch.param}; });

}  // namespace
}  // namespace visor::test

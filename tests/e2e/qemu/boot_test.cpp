// SPDX-License-Identifier: Apache-2.0
// The guest itself says what it has.
#include "guest.hpp"

#include <thread>

namespace visor::test {
namespace {

struct Machine {
  const char* type;
  const char* transport;
  friend std::ostream& operator<<(std::ostream& out, const Machine& machine) { return out << machine.type; }
};

class BootsOn : public QemuTest, public ::testing::WithParamInterface<Machine> {};

TEST_P(BootsOn, AnInitrdAndPowersOffAtTheButton) {
  const auto vm = boot(config(GetParam().type));
  const auto report = read_report(*vm);
  EXPECT_EQ(report.at("nonce").as_string(), "n-4711");
  EXPECT_EQ(report.at("arch").as_string(), "x86_64");
  EXPECT_EQ(report.at("cpus").as_int(), 1);
  EXPECT_EQ(report.at("root").as_string(), "initrd");
  EXPECT_EQ(report.at("virtio").as_string(), GetParam().transport);
  EXPECT_GT(report.at("mem_total_kib").as_int(), 180 * 1024);
  EXPECT_LT(report.at("mem_total_kib").as_int(), 256 * 1024);
  const auto stopped = vm->stop({}, 60s);
  EXPECT_EQ(to_string(stopped.rung), "guest");
  EXPECT_EQ(to_string(stopped.exit.cause), "guest_shutdown");
  EXPECT_EQ(vm->status(1s).state, VmState::stopped);
}

TEST_P(BootsOn, FourVcpus) {
  auto four = config(GetParam().type);
  four.cpu.count = 4;
  const auto vm = boot(four);
  EXPECT_EQ(agent().ask("nproc"), "4");
  EXPECT_EQ(vm->thread_ids(5s).size(), 4U);
  vm->stop({.force = true}, 20s);
}

TEST_P(BootsOn, AnImageAsDisk) {
  auto image = image_config(GetParam().type, "image.ext4");
  image.boot.image_attachment = ImageAttachment::block;
  const auto vm = boot(image);
  const auto report = read_report(*vm);
  EXPECT_EQ(report.at("root").as_string(), "/dev/vda");
  EXPECT_EQ(report.at("root_fstype").as_string(), "ext4");
  EXPECT_FALSE(report.at("root_rw").as_bool());
  vm->stop({.force = true}, 20s);
}

TEST_P(BootsOn, AnImageBesideTwoDisksAndTheSerialsAreRight) {
  auto image = image_config(GetParam().type, "image.ext4");
  for (const auto* serial : {"first", "second"}) {
    DiskConfig disk;
    disk.path = (guest_dir() / "image.pfn").string();
    disk.read_only = true;
    disk.serial = serial;
    image.devices.emplace_back(disk);
  }
  const auto vm = boot(image);
  EXPECT_EQ(read_report(*vm).at("root").as_string(), "/dev/vda");
  EXPECT_EQ(agent().ask("cat /sys/block/vdb/serial /sys/block/vdc/serial"), "firstsecond");
  vm->stop({.force = true}, 20s);
}

INSTANTIATE_TEST_SUITE_P(Machines, BootsOn,
                         ::testing::Values(Machine{"q35", "pci"}, Machine{"pc", "pci"}, Machine{"microvm", "mmio"}),
                         [](const auto& machine) { return std::string{machine.param.type}; });

class NvdimmOn : public QemuTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(NvdimmOn, RootIsMountedFromItWithDax) {
  const auto vm = boot(image_config(GetParam(), "image.pfn"));
  EXPECT_EQ(vm->config().boot.image_attachment, ImageAttachment::nvdimm);
  const auto report = read_report(*vm);
  EXPECT_EQ(report.at("root").as_string(), "/dev/pmem0");
  EXPECT_TRUE(report.at("root_dax").as_bool());
  EXPECT_FALSE(report.at("root_rw").as_bool());
  vm->stop({.force = true}, 20s);
}

INSTANTIATE_TEST_SUITE_P(Machines, NvdimmOn, ::testing::Values("q35", "pc"),
                         [](const auto& machine) { return std::string{machine.param}; });

using Boot = QemuTest;

TEST_F(Boot, PlainImageAsNvdimmHasNoDax) {
  auto image = image_config("q35", "image.ext4");
  image.boot.image_attachment = ImageAttachment::nvdimm;
  const auto vm = boot(image);
  const auto report = read_report(*vm);
  EXPECT_EQ(report.at("root").as_string(), "/dev/pmem0");
  EXPECT_FALSE(report.at("root_dax").as_bool());
  vm->stop({.force = true}, 20s);
}

TEST_F(Boot, VirtioConsoleOnRequest) {
  auto virtio = config();
  virtio.console.type = ConsoleType::virtio;
  const auto vm = boot(virtio);
  EXPECT_EQ(agent().ask("cat /sys/class/tty/console/active"), "hvc0");
  vm->stop({.force = true}, 20s);
}

TEST_F(Boot, ConsoleTakesInputAndShowsItsHistoryToASecondReader) {
  const auto vm = boot(config());
  (void)read_report(*vm);
  const auto first = vm->console(5s);
  EXPECT_NE(read_console_until(*vm, "\"visor-guest\""), "");
  first->write("typed at the first\n", 5s);
  EXPECT_NE(read_console_until(*vm, "typed at the first"), "");  // the terminal's own echo, at a second one
  vm->stop({.force = true}, 20s);
}

TEST_F(Boot, APauseFreezesTheGuest) {
  const auto vm = boot(config());
  auto guest = agent();
  expect_pause_freezes(*vm, guest);
  for (int i = 0; i < 2; ++i) vm->pause(10s);
  EXPECT_EQ(vm->status(5s).state, VmState::paused);
  vm->resume(10s);
  EXPECT_EQ(guest.ask("echo again"), "again");
  vm->stop({.force = true}, 20s);
}

TEST_F(Boot, StartPausedRunsNothing) {
  const auto vm = runtime_->create(config(), "vm");
  vm->start(true, 30s);
  std::this_thread::sleep_for(3s);  // a guest that runs would have counted most of it
  EXPECT_EQ(vm->status(5s).state, VmState::paused);
  const auto resumed = std::chrono::steady_clock::now();
  vm->resume(5s);
  vm->wait_ready(boot_limit);
  auto guest = agent();
  const auto counted = uptime(guest);
  expect_ran_at_most(counted, std::chrono::steady_clock::now() - resumed);
  vm->stop({.force = true}, 20s);
}

TEST_F(Boot, DevicesAddedBeforeTheStart) {
  const auto vm = runtime_->create(config(), "vm");
  vm->add_device(RngConfig{});
  SerialPortConfig port;
  port.id = "second";
  port.name = "cmd";
  vm->add_device(port);
  EXPECT_EQ(vm->config().devices.size(), 3U);
  vm->start(30s);
  vm->wait_ready(boot_limit);
  EXPECT_EQ(Agent{(folder() / "port-second.sock").string()}.ask("echo there"), "there");
  EXPECT_EQ(agent().ask("modprobe virtio-rng; cat /sys/class/misc/hw_random/rng_current"), "virtio_rng.0");
  vm->stop({.force = true}, 20s);
}

}  // namespace
}  // namespace visor::test

// SPDX-License-Identifier: Apache-2.0
// Rules that concern several fields of a device struct, and what whole command lines look like.
#include "visor/core/error.hpp"
#include "visor/sdk/device/boot.hpp"
#include "visor/sdk/device/chardev.hpp"
#include "visor/sdk/device/cpu.hpp"
#include "visor/sdk/device/devices.hpp"
#include "visor/sdk/device/fs.hpp"
#include "visor/sdk/device/machine.hpp"
#include "visor/sdk/device/memory.hpp"
#include "visor/sdk/device/net.hpp"
#include "visor/sdk/device/pci.hpp"
#include "visor/sdk/device/process.hpp"

#include <gtest/gtest.h>

namespace visor::sdk {
namespace {

/// What is wrong with it; empty when nothing is.
std::string problem(const auto& device) {
  try {
    device.validate();
  } catch (const Error& error) {
    return error.message();
  }
  return {};
}

/// The arguments, joined by blanks.
std::string rendered(const auto& device) {
  device.validate();
  CommandLine line;
  device.render(line);
  std::string text;
  for (const auto& argument : line.argv("q")) text += (text.empty() ? "" : " ") + argument;
  return text;
}

TEST(DeviceRules, ProcessorsMultiplyToTheirMaximum) {
  const Smp good{.cpus = 2, .max_cpus = 8, .sockets = 2, .dies = 1, .cores = 2, .threads = 2};
  EXPECT_EQ(rendered(good), "q -smp cpus=2,maxcpus=8,sockets=2,dies=1,cores=2,threads=2");
  auto bad = good;
  bad.dies = 2;
  EXPECT_EQ(problem(bad), "Processors: sockets, dies, cores and threads multiply to 16, not to the 8 of max_cpus");
  EXPECT_NE(problem(Smp{.cpus = 2, .sockets = 2, .cores = 2, .threads = 1}), "");
  EXPECT_EQ(problem(Smp{.cpus = 2, .sockets = 2}), "");
  EXPECT_EQ(problem(Smp{.cpus = 4, .max_cpus = 2}), "Processors: max_cpus (2) must not be less than cpus (4)");
}

TEST(DeviceRules, MemoryContradictsItselfNowhere) {
  const MemoryBackend good{.id = "m", .size_bytes = 4096, .kind = MemoryKind::memfd};
  const auto with = [&](auto change) {
    auto backend = good;
    change(backend);
    return problem(backend);
  };
  EXPECT_EQ(problem(good), "");
  EXPECT_NE(with([](auto& m) { m.prealloc = true, m.reserve = false; }), "");
  EXPECT_EQ(with([](auto& m) { m.prealloc = true, m.reserve = true; }), "");
  EXPECT_NE(with([](auto& m) { m.prealloc_threads = 2; }), "");
  EXPECT_NE(with([](auto& m) { m.huge_page_bytes = 1U << 21U; }), "");
  EXPECT_EQ(with([](auto& m) { m.pmem = true; }), "Memory backend 'm': pmem is not there for memfd");
  EXPECT_EQ(problem(GuestMemory{.size_mib = 512, .slots = 2}), "Memory: slots needs max_mib");
  EXPECT_NE(problem(VirtioBalloon{.id = "b", .free_page_hint = true}), "");
  EXPECT_NE(problem(NumaNode{.last_cpu = 1}), "");
}

TEST(DeviceRules, ABridgeHasNoOptionRomAndOneKindOfPrefetchableRoom) {
  PciBridge bridge{.id = "b", .chassis = 1};
  EXPECT_EQ(rendered(bridge), "q -device pci-bridge,id=b,chassis_nr=1");
  bridge.place.romfile = "";
  EXPECT_EQ(rendered(bridge), "q -device pci-bridge,id=b,chassis_nr=1,romfile=");
  bridge.place.romfile = "/rom";
  EXPECT_EQ(problem(bridge), "Bridge 'b': romfile must be empty: QEMU aborts with an option ROM in a bridge");
  PcieRootPort port{.id = "p", .chassis = 0, .slot = 0, .pref64_reserve_bytes = 4096};
  EXPECT_EQ(rendered(port), "q -device pcie-root-port,id=p,chassis=0,slot=0,pref64-reserve=4096");
  port.pref32_reserve_bytes = 4096;
  EXPECT_NE(problem(port), "");
  EXPECT_EQ(problem(PciBridge{.id = "b", .kind = BridgeKind::pcie, .chassis = 1}),
            "Bridge 'b': chassis is not there for pcie");
  EXPECT_EQ(problem(PciBridge{.id = "b"}), "Bridge 'b': chassis must not be below 1");
}

TEST(DeviceRules, ASocketIsOneOfThreeKinds) {
  EXPECT_EQ(rendered(Chardev{.id = "c", .path = "/s", .server = true}),
            "q -chardev socket,id=c,path=/s,server=on,wait=off");
  EXPECT_EQ(rendered(Chardev{.id = "c", .host = "h", .port = 1}), "q -chardev socket,id=c,host=h,port=1");
  EXPECT_EQ(problem(Chardev{.id = "c"}), "Character device 'c': one of path, fd and host must be given, and no other");
  EXPECT_NE(problem(Chardev{.id = "c", .path = "/s", .fd = "3"}), "");
  EXPECT_NE(problem(Chardev{.id = "c", .host = "h"}), "");
  EXPECT_NE(problem(Chardev{.id = "c", .path = "/s", .wait = true}), "");
  EXPECT_NE(problem(Chardev{.id = "c", .path = "/s", .server = true, .reconnect_s = 1}), "");
  EXPECT_NE(problem(Chardev{.id = "c", .path = "/" + std::string(107, 's')}), "");
  EXPECT_EQ(problem(Chardev{.id = "c", .backend = ChardevBackend::file, .path = "/" + std::string(107, 's')}), "");
  EXPECT_NE(problem(Chardev{.id = "c", .backend = ChardevBackend::pipe}), "");
  EXPECT_NE(problem(Chardev{.id = "c", .backend = ChardevBackend::null, .log_append = true}), "");
  EXPECT_NE(problem(QmpSocket{.id = "q", .path = "/s", .fd = "3"}), "");
  EXPECT_NE(problem(QmpSocket{.id = "q", .path = "/s", .server = false, .wait = true}), "");
}

TEST(DeviceRules, ObsoleteWordsAreRefusedWithWhatToUse) {
  EXPECT_EQ(problem(Chardev{.id = "c", .backend = ChardevBackend::tty, .path = "/t"}),
            "Character device 'c': tty is not supported: QEMU 8.0 dropped that name; use serial");
  EXPECT_EQ(problem(FsBackend{.id = "f", .driver = FsDriver::handle, .path = "/f"}),
            "Share 'f': handle is not supported: QEMU 4.0 dropped it; use local");
  EXPECT_EQ(problem(Knobs{.daemonize = true}),
            "Switches: daemonize is not supported: QEMU would leave the process that is watched; start the VM detached "
            "instead");
  EXPECT_EQ(problem(Incoming{.kind = IncomingKind::exec, .command = "cat"}),
            "Incoming migration: exec is not supported: QEMU would run a shell; start the program and pass its output "
            "as fd");
  VirtioBlk disk{.id = "d", .backing = {.path = "/x", .interface = BlockInterface::scsi}};
  EXPECT_EQ(problem(disk),
            "Disk 'd': interface scsi is not supported: no machine of QEMU 7.2 has that; put a ScsiDisk on a "
            "ScsiController");
}

TEST(DeviceRules, SwitchesAreFlagsAndOvercommit) {
  EXPECT_EQ(rendered(Knobs{.no_defaults = true, .stopped = true, .mlock = true, .cpu_pm = true}),
            "q -nodefaults -S -overcommit mem-lock=on,cpu-pm=on");
  EXPECT_EQ(rendered(Knobs{}), "q");
}

TEST(DeviceRules, AShareIsABackendAndADevice) {
  const FsBackend backend{.id = "f", .path = "/f", .security_model = FsSecurity::mapped_xattr, .file_mode = 0600};
  EXPECT_EQ(rendered(backend), "q -fsdev local,id=f,path=/f,security_model=mapped-xattr,fmode=384");
  EXPECT_NE(problem(FsBackend{.id = "f", .path = "/f", .folder_mode = 0700}), "");
  EXPECT_EQ(rendered(Virtio9p{.id = "s", .fsdev = "f", .mount_tag = "t", .transport = VirtioTransport::ccw}),
            "q -device virtio-9p-ccw,id=s,fsdev=f,mount_tag=t");
}

TEST(DeviceRules, ATapOfAnotherKindComesByDescriptors) {
  EXPECT_EQ(problem(TapNetdev{.id = "n", .ifname = "m0", .kind = TapKind::macvtap}),
            "Network backend 'n': QEMU opens no macvtap or ipvtap by name, give fds of /dev/tapN");
  EXPECT_EQ(problem(TapNetdev{.id = "n", .fds = {"3"}, .kind = TapKind::macvtap}), "");
  EXPECT_EQ(problem(TapNetdev{.id = "n", .ifname = "t0", .kind = TapKind::vethtap}), "");
  EXPECT_EQ(problem(TapNetdev{.id = "n", .script = "/up", .fds = {"3"}}),
            "Network backend 'n': script is not there for one with fds");
  EXPECT_NE(problem(VdpaNetdev{.id = "n", .path = "/d", .fd = "3"}), "");
}

TEST(DeviceRules, ALoaderHasAFileOrData) {
  EXPECT_EQ(rendered(Loader{.id = "l", .address = 16, .data = 1, .data_bytes = 4}),
            "q -device loader,id=l,addr=16,data=1,data-len=4");
  EXPECT_NE(problem(Loader{.id = "l"}), "");
  EXPECT_NE(problem(Loader{.id = "l", .file = "/f", .data = 1, .data_bytes = 4}), "");
  EXPECT_NE(problem(Loader{.id = "l", .address = 1, .data = 1}), "");
  EXPECT_NE(problem(Loader{.id = "l", .data = 1, .data_bytes = 4}), "");
  EXPECT_NE(problem(Loader{.id = "l", .file = "/f", .data_big_endian = true}), "");
  EXPECT_NE(problem(FwCfg{.name = "opt/a", .file = "/f", .text = "t"}), "");
}

TEST(DeviceRules, AMachinesOwnOptionsComeLast) {
  EXPECT_EQ(
      rendered(Machine{.type = "q35", .accelerator = "kvm", .nvdimm = true, .options = {"hpet=off", "nvdimm=off"}}),
      "q -machine q35,accel=kvm,nvdimm=off,hpet=off");
  EXPECT_NE(problem(Machine{.type = "q35", .options = {"nvdimm"}}), "");
  EXPECT_NE(problem(GenericObject{.type = "x", .id = "o", .props = {{"a,b", true}}}), "");
  EXPECT_NE(problem(GenericObject{.type = "x", .id = "o", .props = {{"id", "p"}}}), "");
}

/// Values that would have added options of their own where text is joined without care.
TEST(DeviceRules, NoValueAddsAnOption) {
  const std::string attack = "x,readonly=on,share=on";
  EXPECT_EQ(rendered(FsBackend{.id = "f", .path = "/" + attack}),
            "q -fsdev local,id=f,path=/x,,readonly=on,,share=on,security_model=none");
  EXPECT_EQ(rendered(Name{.guest = attack}), "q -name guest=x,,readonly=on,,share=on");
  EXPECT_NE(problem(Machine{.type = "q35,accel=tcg"}), "");
  EXPECT_NE(problem(GenericObject{.type = "rng-random,filename=/x", .id = "o"}), "");
  EXPECT_NE(problem(CpuDevice{.id = "c", .driver = "x,y=z", .props = {{"socket-id", 1}}}), "");
  EXPECT_EQ(rendered(GlobalProperty{.driver = "a,b=c", .property = "p", .value = "v"}),
            "q -global driver=a,,b=c,property=p,value=v");
  EXPECT_NE(problem(Monitor{.id = "m", .chardev = attack}), "");
  EXPECT_NE(problem(Incoming{.kind = IncomingKind::tcp, .host = "h,ipv6=on", .port = 1}), "");
  EXPECT_NE(problem(Kernel{.path = "/k", .params = "a\nb"}), "");
}

}  // namespace
}  // namespace visor::sdk

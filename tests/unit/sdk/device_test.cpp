// SPDX-License-Identifier: Apache-2.0
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"
#include "visor/sdk/device/devices.hpp"

#include <gtest/gtest.h>

namespace visor::sdk {
namespace {

std::vector<std::string> rendered(const auto& device) {
  device.validate();
  CommandLine line;
  device.render(line);
  return line.argv("qemu");
}

using Argv = std::vector<std::string>;

TEST(PropertyBag, OptionDoublesCommasAndKeepsTheOrder) {
  auto bag = PropertyBag::device("virtio-blk-pci");
  bag.set("id", "d0").set("serial", "a,b,,c").set("share-rw", true).set("bootindex", std::uint64_t{1});
  EXPECT_EQ(bag.to_option(), "virtio-blk-pci,id=d0,serial=a,,b,,,,c,share-rw=on,bootindex=1");
  EXPECT_EQ(to_json(bag.to_value()),
            R"({"driver":"virtio-blk-pci","id":"d0","serial":"a,b,,c","share-rw":true,"bootindex":1})");
}

TEST(PropertyBag, DottedKeysNestForTheMonitor) {
  auto bag = PropertyBag::block("raw");
  bag.set("node-name", "n").set("file.driver", "file").set("file.filename", "/x");
  EXPECT_EQ(bag.to_option(), "driver=raw,node-name=n,file.driver=file,file.filename=/x");
  EXPECT_EQ(to_json(bag.to_value()), R"({"driver":"raw","node-name":"n","file":{"driver":"file","filename":"/x"}})");
}

TEST(PropertyBag, RefusesNulAndNewline) {
  auto bag = PropertyBag::keys();
  EXPECT_THROW(bag.set("k", std::string("a\0b", 3)), Error);
  EXPECT_THROW(bag.set("k", "a\nb"), Error);
  EXPECT_EQ(bag.to_option(), "");
}

TEST(PropertyBag, ANameCannotBeginAnotherProperty) {
  for (const auto* name : {"", "a,b", "a=b", "a b", "a\nb", "\xc3\xa4", ",", "="}) {
    EXPECT_THROW(PropertyBag::keys().set(name, true), Error) << name;
    EXPECT_THROW(PropertyBag::keys().set(name, std::uint64_t{1}), Error) << name;
    EXPECT_THROW(PropertyBag::keys().set(name, "x"), Error) << name;
    EXPECT_THROW((void)PropertyBag::device(name), Error) << name;
    EXPECT_THROW((void)PropertyBag::block(name), Error) << name;
    EXPECT_THROW((void)PropertyBag::machine(name), Error) << name;
    EXPECT_THROW(CommandLine{}.flag(std::string{"-"} + name), Error) << name;
  }
  EXPECT_THROW(PropertyBag::keys().set(std::string("a\0b", 3), true), Error);
  EXPECT_THROW(CommandLine{}.plain("append", "x"), Error);
  EXPECT_EQ(PropertyBag::device("power7+_v2.1-spapr-cpu-core").set("int-array[0]", true).to_option(),
            "power7+_v2.1-spapr-cpu-core,int-array[0]=on");
}

TEST(PropertyBag, NothingTakesThePlaceOfItsHead) {
  EXPECT_THROW(PropertyBag::machine("q35").set("type", "pc"), Error);
  EXPECT_THROW(PropertyBag::device("a").set("driver", "b"), Error);
  EXPECT_THROW(PropertyBag::block("raw").set("driver", "nbd"), Error);
  EXPECT_THROW(PropertyBag::object("a").set("qom-type", "b"), Error);
  EXPECT_EQ(PropertyBag::keys().set("driver", "a").to_option(), "driver=a");
}

TEST(QemuId, FollowsQemusOwnRule) {
  for (const auto* good : {"a", "disk0", "A-b.c_d"}) EXPECT_TRUE(is_qemu_id(good)) << good;
  for (const auto* bad : {"", "0a", "-a", "a b", "a,b", "\xc3\xa4"}) EXPECT_FALSE(is_qemu_id(bad)) << bad;
}

TEST(CommandLine, PlainValuesAreNotEscapedAndNotBroken) {
  CommandLine line;
  line.plain("-append", "a,b=c \"d\"");
  EXPECT_EQ(line.argv("q"), (Argv{"q", "-append", "a,b=c \"d\""}));
  EXPECT_THROW(line.plain("-append", "a\nb"), Error);
  EXPECT_EQ(line.argv("q"), line.argv("q"));
}

TEST(VirtioBlk, OnEachTransport) {
  const VirtioBlk disk{.id = "d0", .backing = {.path = "/a,b.img"}};
  EXPECT_EQ(rendered(disk), (Argv{"qemu", "-blockdev",
                                  "driver=raw,node-name=node-d0,read-only=off,file.driver=file,file.filename=/a,,b.img,"
                                  "file.aio=threads",
                                  "-device", "virtio-blk-pci,id=d0,drive=node-d0"}));
  EXPECT_EQ(virtio_driver("virtio-blk", VirtioTransport::ccw), "virtio-blk-ccw");
  EXPECT_EQ(virtio_driver("virtio-blk", VirtioTransport::mmio), "virtio-blk-device");
}

TEST(VirtioBlk, RefusesWhatQemuOrTheGuestWouldNotTake) {
  const VirtioBlk good{.id = "d0", .backing = {.path = "/x"}};
  const auto refused = [&](auto change) {
    auto disk = good;
    change(disk);
    EXPECT_THROW(disk.validate(), Error);
  };
  EXPECT_NO_THROW(good.validate());
  refused([](auto& disk) { disk.id = "0"; });
  refused([](auto& disk) { disk.id = std::string(27, 'x'); });
  refused([](auto& disk) { disk.backing.path = "nbd:host:1"; });
  refused([](auto& disk) { disk.backing.format = "vmdk,x=y"; });
  refused([](auto& disk) { disk.backing.aio = "native"; });
  refused([](auto& disk) { disk.serial = std::string(21, 's'); });
  refused([](auto& disk) { disk.logical_block_size_bytes = 1000; });
  refused([](auto& disk) {
    disk.logical_block_size_bytes = 4096;
    disk.physical_block_size_bytes = 512;
  });
}

TEST(VirtioBlk, CacheDiscardAndBlockDevice) {
  VirtioBlk disk{.id = "d0", .backing = {.path = "/dev/sdx"}};
  disk.backing.host_device = disk.backing.cache_direct = disk.backing.cache_no_flush = disk.backing.discard = true;
  disk.share_rw = true;
  disk.backing.aio = "native";
  disk.logical_block_size_bytes = 4096;
  EXPECT_EQ(disk.node().to_option(),
            "driver=raw,node-name=node-d0,read-only=off,discard=unmap,file.driver=host_device,file.filename=/dev/sdx,"
            "file.aio=native,file.cache.direct=on,cache.direct=on,cache.no-flush=on,file.discard=unmap");
  EXPECT_EQ(disk.properties().to_option(), "virtio-blk-pci,id=d0,drive=node-d0,share-rw=on,logical_block_size=4096");
}

TEST(Nvdimm, ReadOnlyIsUnarmed) {
  const Nvdimm nvdimm{.id = "n0", .backend_id = "m0", .path = "/i", .size_bytes = 4096};
  EXPECT_EQ(rendered(nvdimm),
            (Argv{"qemu", "-object", "memory-backend-file,id=m0,mem-path=/i,size=4096,share=on,readonly=on", "-device",
                  "nvdimm,id=n0,memdev=m0,unarmed=on"}));
  EXPECT_THROW((Nvdimm{.id = "n0", .backend_id = "m0", .path = "/i"}).validate(), Error);
}

TEST(Serial, PortsAndConsoles) {
  EXPECT_EQ(rendered(SocketChardev{.id = "c0", .fd = 5}),
            (Argv{"qemu", "-chardev", "socket,id=c0,fd=5,server=on,wait=off"}));
  EXPECT_EQ(rendered(VirtioPort{.id = "p0", .chardev = "c0", .bus = "s.0", .name = "agent"}),
            (Argv{"qemu", "-device", "virtserialport,id=p0,bus=s.0,chardev=c0,name=agent"}));
  EXPECT_EQ(rendered(VirtioPort{.id = "p0", .chardev = "c0", .bus = "s.0", .name = {}}),
            (Argv{"qemu", "-device", "virtconsole,id=p0,bus=s.0,chardev=c0"}));
  EXPECT_EQ(rendered(SerialConsole{.kind = SerialKind::uart, .chardev = "c0"}),
            (Argv{"qemu", "-serial", "chardev:c0"}));
  EXPECT_EQ(rendered(SerialConsole{.kind = SerialKind::sclp, .chardev = "c0"}),
            (Argv{"qemu", "-device", "sclpconsole,chardev=c0"}));
  EXPECT_EQ(rendered(SerialConsole{.kind = SerialKind::spapr_vty, .chardev = "c0"}),
            (Argv{"qemu", "-device", "spapr-vty,chardev=c0,reg=0x30000000"}));
  EXPECT_THROW((SocketChardev{.id = "c0"}).validate(), Error);
}

TEST(VirtioRng, APeriodNeedsALimit) {
  EXPECT_EQ(rendered(VirtioRng{.id = "r0"}), (Argv{"qemu", "-object", "rng-random,id=r0-source,filename=/dev/urandom",
                                                   "-device", "virtio-rng-pci,id=r0,rng=r0-source"}));
  EXPECT_EQ((VirtioRng{.id = "r0", .max_bytes = 10, .period_ms = 5}).properties().to_option(),
            "virtio-rng-pci,id=r0,rng=r0-source,max-bytes=10,period=5");
  EXPECT_EQ((VirtioRng{.id = "r0", .max_bytes = 10}).properties().to_option(),
            "virtio-rng-pci,id=r0,rng=r0-source,max-bytes=10");
  EXPECT_THROW((VirtioRng{.id = "r0", .period_ms = 5}).validate(), Error);
}

TEST(PanicDevice, IsRefusedWhereThereIsNone) {
  EXPECT_EQ(rendered(PanicDevice{.id = "p0", .driver = "pvpanic"}), (Argv{"qemu", "-device", "pvpanic,id=p0"}));
  EXPECT_THROW((PanicDevice{.id = "p0", .driver = ""}).validate(), Error);
}

}  // namespace
}  // namespace visor::sdk

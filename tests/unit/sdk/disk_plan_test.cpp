// SPDX-License-Identifier: Apache-2.0
// What configured disks become: their bus, controllers and threads.
#include "plan_support.hpp"
#include "visor/core/error.hpp"

#include <gtest/gtest.h>

namespace visor::sdk::plan {
namespace {

DiskConfig disk(const std::string& id, DiskBus bus = DiskBus::automatic) {
  DiskConfig disk;
  disk.id = id;
  disk.path = "/d/" + id;
  disk.bus = bus;
  return disk;
}

TEST(PlanDisk, StandsOnTheBusThatIsSaid) {
  auto config = with({disk("a"), disk("b", DiskBus::scsi), disk("c", DiskBus::scsi)});
  EXPECT_EQ(values(plan_of("amd64", config), "-device", "scsi-hd"),
            (Lines{"scsi-hd,id=b,bus=visor-scsi.0,drive=node-b,scsi-id=0,lun=0",
                   "scsi-hd,id=c,bus=visor-scsi.0,drive=node-c,scsi-id=1,lun=0"}));
  EXPECT_EQ(values(plan_of("amd64", config), "-device", "virtio-scsi"), Lines{"virtio-scsi-pci,id=visor-scsi"});
  config.storage.driver = BlockDriver::virtio_scsi;
  EXPECT_EQ(values(plan_of("amd64", config), "-device", "scsi-hd").size(), 3U);
}

TEST(PlanDisk, FollowsTheTransportOfTheMachineAlone) {
  const auto driver = [](const char* arch, const char* machine, BlockDriver chosen) {
    return refusal_of(arch, machine, [&](auto& config) {
      config.storage.driver = chosen;
      config.devices = {disk("a")};
    });
  };
  EXPECT_EQ(driver("s390x", "s390-ccw-virtio", BlockDriver::virtio_blk_ccw), "accepted");
  EXPECT_EQ(driver("amd64", "microvm", BlockDriver::virtio_mmio), "accepted");
  EXPECT_EQ(driver("amd64", "q35", BlockDriver::virtio_blk), "accepted");
  for (const auto wrong : {BlockDriver::virtio_blk_ccw, BlockDriver::virtio_mmio}) {
    EXPECT_EQ(driver("amd64", "q35", wrong).substr(0, 28), "unsupported: storage.driver:");
  }
  const std::string why = " nvdimm: only the root image can be non-volatile memory; take virtio-blk or a SCSI disk";
  EXPECT_EQ(driver("amd64", "q35", BlockDriver::nvdimm), "unsupported: storage.driver:" + why);
  EXPECT_EQ(refusal({disk("a", DiskBus::nvdimm)}), "unsupported: devices[0].bus:" + why);
}

TEST(PlanDisk, HasAThread) {
  IoThreadConfig thread;
  thread.id = "io";
  auto on_thread = disk("a");
  on_thread.iothread = "io";
  auto scsi = disk("b", DiskBus::scsi);
  scsi.iothread = "io";
  auto config = with({thread, on_thread, scsi, disk("c")});
  config.storage.iothreads = true;
  const auto plan = plan_of("amd64", config);
  EXPECT_EQ(values(plan, "-object", "iothread"), (Lines{"iothread,id=io", "iothread,id=visor-disks"}));
  EXPECT_EQ(values(plan, "-device", "virtio-blk"), (Lines{"virtio-blk-pci,id=a,drive=node-a,iothread=io",
                                                          "virtio-blk-pci,id=c,drive=node-c,iothread=visor-"
                                                          "disks"}));
  EXPECT_EQ(values(plan, "-device", "virtio-scsi"), Lines{"virtio-scsi-pci,id=visor-scsi-io,iothread=io"});
  EXPECT_EQ(
      refusal({thread, on_thread}, "microvm"),
      "unsupported: devices[1].iothread: an iothread serves no virtio-mmio device of an emulated guest; leave it out");
}

TEST(PlanDisk, RefusesAnIdWhoseNodeWouldBeTooLong) {
  EXPECT_EQ(refusal({disk(std::string(26, 'a'))}), "accepted");
  for (const auto bus : {DiskBus::virtio_blk, DiskBus::scsi}) {
    EXPECT_EQ(refusal({disk(std::string(27, 'a'), bus)}),
              "invalid_config: devices[0].id: must not be longer than 26 bytes, found 27");
  }
}

TEST(PlanDisk, TakesTheDefaultsOfStorage) {
  auto config = with({disk("a")});
  config.storage.cache_direct = true;
  const auto node = [&] { return values(plan_of("amd64", config), "-blockdev").front(); };
  EXPECT_EQ(node().find("cache.direct"), std::string::npos);  // cache_set says whether they count
  config.storage.cache_set = true;
  EXPECT_NE(node().find("cache.direct=on"), std::string::npos);
  EXPECT_EQ(node().find("cache.no-flush"), std::string::npos);
}

TEST(PlanDisk, RefusesBlockSizesOnScsi) {
  auto sized = disk("a", DiskBus::scsi);
  sized.logical_block_size_bytes = 4096;
  EXPECT_EQ(refusal({sized}),
            "unsupported: devices[0].logical_block_size_bytes: block sizes can be set on bus virtio-blk alone; leave "
            "it out, or take that bus");
}

TEST(PlanDisk, OnScsiLeavesTheRootOfAnImageCertain) {
  const auto image_and = [](DiskBus bus) {
    return refusal_of("s390x", "s390-ccw-virtio", [&](auto& config) {
      config.boot.initrd.clear();
      config.boot.image = "/i/root.img";
      config.devices = {disk("a", bus)};
    });
  };
  EXPECT_EQ(image_and(DiskBus::scsi), "accepted");
  EXPECT_NE(image_and(DiskBus::virtio_blk), "accepted");
}

}  // namespace
}  // namespace visor::sdk::plan

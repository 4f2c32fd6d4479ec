// SPDX-License-Identifier: Apache-2.0
// Values that add options of their own, or reach another thing, where text is joined without care.
#include "visor/core/error.hpp"
#include "visor/sdk/device/chardev.hpp"
#include "visor/sdk/device/devices.hpp"
#include "visor/sdk/device/fs.hpp"
#include "visor/sdk/device/process.hpp"

#include <gtest/gtest.h>

namespace visor::sdk {
namespace {

std::string last_argument(const auto& device) {
  device.validate();
  CommandLine line;
  device.render(line);
  return line.argv("q").back();
}

TEST(DeviceAttacks, APathGivesAnotherFileToTheGuest) {
  const VirtioBlk disk{.id = "d", .backing = {.path = "/d.raw,file.filename=/etc/passwd,read-only=on"}};
  EXPECT_EQ(disk.node().to_option(),
            "driver=raw,node-name=node-d,read-only=off,file.driver=file,"
            "file.filename=/d.raw,,file.filename=/etc/passwd,,read-only=on,file.aio=threads");
}

TEST(DeviceAttacks, AFolderSharesAnotherOne) {
  EXPECT_EQ(last_argument(FsBackend{.id = "f", .path = "/sh,path=/etc"}),
            "local,id=f,path=/sh,,path=/etc,security_model=none");
}

TEST(DeviceAttacks, ASocketWritesAFileOfTheHost) {
  EXPECT_EQ(last_argument(Chardev{.id = "c", .path = "/s,logfile=/x", .server = true}),
            "socket,id=c,path=/s,,logfile=/x,server=on,wait=off");
}

TEST(DeviceAttacks, ANameHidesTheProcess) {
  EXPECT_EQ(last_argument(Name{.guest = "vm,process=systemd"}), "guest=vm,,process=systemd");
}

TEST(DeviceAttacks, ATagShowsAFileOfTheHostAsRom) {
  EXPECT_EQ(last_argument(Virtio9p{.id = "s", .fsdev = "f", .mount_tag = "t,romfile=/x,rombar=1"}),
            "virtio-9p-pci,id=s,fsdev=f,mount_tag=t,,romfile=/x,,rombar=1");
}

TEST(DeviceAttacks, APathIsNoProtocol) {
  for (const auto* path : {"nbd:host:1", "json:{}", "a:b", "-drive"}) {
    VirtioBlk disk{.id = "d"};
    disk.backing.path = path;
    EXPECT_THROW(disk.validate(), Error) << path;
  }
}

}  // namespace
}  // namespace visor::sdk

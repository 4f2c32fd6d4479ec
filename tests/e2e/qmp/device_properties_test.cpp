// SPDX-License-Identifier: Apache-2.0
// The properties of the SDK's devices, against what each of the four QEMU programs says that its types have.
#include "bare_qemu.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"
#include "visor/sdk/device/devices.hpp"
#include "visor/sdk/device/disk.hpp"
#include "visor/sdk/device/memory.hpp"
#include "visor/sdk/device/net.hpp"
#include "visor/sdk/device/vfio.hpp"
#include "visor/sdk/device/vhost.hpp"
#include "visor/sdk/qmp/commands/schema.hpp"

namespace visor::test {
namespace {

using namespace sdk::qmp;  // NOLINT(google-build-using-namespace): all of this file is about it

class QmpDeviceProperties : public EachQemu {};
INSTANTIATE_TEST_SUITE_P(, QmpDeviceProperties, ::testing::ValuesIn(qemu_targets()), target_name);

/// A place with everything that its transport has.
sdk::Place place_on(VirtioTransport transport) {
  sdk::Place place;
  if (transport == VirtioTransport::pci) {
    place = {.bus = "b", .addr = "0x7", .romfile = "", .disable_modern = true};
  } else if (transport == VirtioTransport::ccw) {
    place.devno = "fe.0.0007";
  }
  place.iommu_platform = true;
  return place;
}

sdk::PropertyBag disk(VirtioTransport transport) {
  sdk::VirtioBlk disk{.id = "d"};
  disk.transport = transport;
  disk.share_rw = true;
  disk.serial = "s";
  disk.iothread = "t";
  disk.num_queues = 2;
  disk.logical_block_size_bytes = 512;
  disk.physical_block_size_bytes = 4096;
  disk.place = place_on(transport);
  return disk.properties();
}

/// Those that each architecture has, on its transport.
std::vector<sdk::PropertyBag> common_devices(VirtioTransport transport) {
  const auto place = place_on(transport);
  auto on_device = place;
  on_device.disable_modern = false;
  return {
      disk(transport),
      sdk::VirtioSerial{.id = "s", .transport = transport}.properties(),
      sdk::VirtioPort{.id = "p", .chardev = "c", .bus = "s.0", .name = "n"}.properties(),
      sdk::VirtioPort{.id = "p", .chardev = "c", .bus = "s.0"}.properties(),
      sdk::VirtioRng{.id = "r", .transport = transport, .max_bytes = 1, .period_ms = 1}.properties(),
      sdk::ScsiDisk{.id = "h", .bus = "s.0", .scsi_id = 1, .lun = 2, .share_rw = true, .serial = "x"}.properties(),
      sdk::ScsiDisk{.id = "h", .driver = sdk::ScsiDriver::cd}.properties(),
      sdk::VirtioNet{
          .id = "n", .netdev = "m", .mac = "52:54:00:00:00:01", .transport = transport, .queues = 2, .place = place}
          .properties(),
      sdk::VhostUserDevice{.kind = sdk::VhostUserKind::fs,
                           .id = "f",
                           .chardev = "c",
                           .tag = "t",
                           .transport = transport,
                           .queue_size = 256,
                           .place = on_device}
          .properties(),
      sdk::VhostVsock{.id = "v", .guest_cid = 3, .vhostfd = "f", .transport = transport, .place = place}.properties(),
  };
}

/// Every device with every property that it can have.
std::vector<sdk::PropertyBag> devices_of(const QemuTarget& target) {
  const bool ccw = target.transport == "ccw";
  auto devices = common_devices(ccw ? VirtioTransport::ccw : VirtioTransport::pci);
  const auto add = [&](sdk::PropertyBag device) { devices.push_back(std::move(device)); };
  if (target.name == "x86_64") {
    add(disk(VirtioTransport::mmio));  // microvm
    add(sdk::PropertyBag::device("pvpanic").set("id", "p"));
    add(sdk::PropertyBag::device("pvpanic-pci").set("id", "p"));
  }
  if (ccw) {
    add(sdk::VfioCcw{.id = "h", .sysfsdev = "/sys/x", .devno = "fe.0.0007"}.properties());
    add(sdk::VfioAp{.id = "h", .sysfsdev = "/sys/x"}.properties());
    return devices;
  }
  add(sdk::VfioPci{.id = "h", .host = "0000:01:00.0", .vendor_id = 1, .device_id = 2}.properties());
  add(sdk::VfioPci{.id = "h", .sysfsdev = "/sys/x"}.properties());
  for (const auto kind : {sdk::VhostUserKind::blk, sdk::VhostUserKind::scsi}) {
    add(sdk::VhostUserDevice{.kind = kind, .id = "u", .chardev = "c"}.properties());
  }
  add(sdk::PcDimm{.id = "d", .memdev = "m", .node = 0, .slot = 0, .address = 1}.properties());
  sdk::Nvdimm nvdimm{.id = "n", .backend_id = "m", .path = "/x", .size_bytes = 1};
  add(nvdimm.properties());
  return devices;
}

TEST_P(QmpDeviceProperties, AreThoseOfTheDriver) {
  const auto qemu = BareQemu::without_machine(GetParam());
  for (const auto& device : devices_of(GetParam())) {
    const auto known = device_list_properties(qemu->client(), device.head(), qemu_limit);
    EXPECT_EQ(check_properties(device.to_value(), known), std::vector<std::string>{}) << to_json(device.to_value());
  }
}

TEST_P(QmpDeviceProperties, WrongOnesAreFound) {
  const auto qemu = BareQemu::without_machine(GetParam());
  const auto driver = "virtio-blk-" + GetParam().transport;
  const auto known = device_list_properties(qemu->client(), driver, qemu_limit);
  EXPECT_EQ(check_properties(Value::map({{"driver", driver}, {"share-rw", "on"}, {"nosuch", 1}}), known),
            (std::vector<std::string>{driver + ": share-rw is a string, while it is of type bool",
                                      driver + ": nosuch is no property of it"}));
}

TEST_P(QmpDeviceProperties, OfATypeThatQemuLacksAreRefused) {
  const auto qemu = BareQemu::without_machine(GetParam());
  EXPECT_THROW((void)device_list_properties(qemu->client(), "scsi-disk", qemu_limit), Error);
  const auto backends = qom_list_types(qemu->client(), "memory-backend", false, qemu_limit);
  EXPECT_GE(backends.size(), 3U);
  for (const auto& type : backends) EXPECT_EQ(type.parent, "memory-backend") << type.name;
}

}  // namespace
}  // namespace visor::test

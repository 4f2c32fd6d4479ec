// SPDX-License-Identifier: Apache-2.0
// The properties of the SDK's devices, against what each of the four QEMU programs says that its types have.
#include "bare_qemu.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"
#include "visor/sdk/device/devices.hpp"
#include "visor/sdk/qmp/commands/schema.hpp"

namespace visor::test {
namespace {

using namespace sdk::qmp;

class QmpDeviceProperties : public EachQemu {};
INSTANTIATE_TEST_SUITE_P(, QmpDeviceProperties, ::testing::ValuesIn(qemu_targets()), target_name);

sdk::PropertyBag disk(VirtioTransport transport) {
  sdk::VirtioBlk disk{.id = "d", .backing = {.path = "/x"}};
  disk.transport = transport;
  disk.share_rw = true;
  disk.serial = "s";
  disk.iothread = "t";
  disk.logical_block_size_bytes = 512;
  disk.physical_block_size_bytes = 4096;
  return disk.properties();
}

/// Every device with every property that it can have.
std::vector<sdk::PropertyBag> devices_of(const QemuTarget& target) {
  const auto transport = target.transport == "ccw" ? VirtioTransport::ccw : VirtioTransport::pci;
  std::vector<sdk::PropertyBag> devices = {
      disk(transport), sdk::VirtioSerial{.id = "s", .transport = transport}.properties(),
      sdk::VirtioPort{.id = "p", .chardev = "c", .bus = "s.0", .name = "n"}.properties(),
      sdk::VirtioPort{.id = "p", .chardev = "c", .bus = "s.0"}.properties(),
      sdk::VirtioRng{.id = "r", .transport = transport, .max_bytes = 1, .period_ms = 1}.properties()};
  if (target.name == "x86_64") {
    devices.push_back(disk(VirtioTransport::mmio));  // microvm
    devices.push_back(sdk::PropertyBag::device("pvpanic").set("id", "p"));
    devices.push_back(sdk::PropertyBag::device("pvpanic-pci").set("id", "p"));
  }
  if (target.name != "s390x") {
    devices.push_back(sdk::Nvdimm{.id = "n", .backend_id = "m", .path = "/x", .size_bytes = 1}.properties());
  }
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

// SPDX-License-Identifier: Apache-2.0
#include "random_config.hpp"
#include "support.hpp"
#include "visor/core/vm_config.hpp"

namespace visor {
namespace {

using testing::expect_error;

constexpr ConfigDefaults defaults{.max_vcpus = 8, .host_memory_mib = 4096};

VmConfig sound() {
  VmConfig config;
  config.boot.kernel = "/vmlinuz";
  config.boot.initrd = "/initrd.img";
  return config;
}

/// The sound configuration, changed by a function, must be refused with this text.
template <class Change>
void refuses(const std::string& why, const Change& change) {
  auto config = sound();
  change(config);
  const auto before = config;
  expect_error(Errc::invalid_config, why, [&] { normalised(config, defaults); });
  EXPECT_EQ(config, before);
}

TEST(Normalised, FillsDefaultsInACopy) {
  const auto config = sound();
  const auto result = normalised(config, defaults);
  EXPECT_EQ(config, sound());
  EXPECT_EQ(result.cpu.count, 1U);
  EXPECT_EQ(result.cpu.max_count, 8U);
  EXPECT_EQ(result.memory.size_mib, 2048U);
  EXPECT_EQ(result.memory.slots, 10U);
  EXPECT_EQ(result.machine.bridges, 1U);
  EXPECT_EQ(result.storage.driver, BlockDriver::virtio_scsi);
  EXPECT_EQ(result.shared_fs.msize_9p_bytes, 8192U);
}
TEST(Normalised, KeepsWhatIsSet) {
  auto config = sound();
  config.cpu = {.count = 2, .max_count = 4};
  config.memory.size_mib = 128;
  config.memory.slots = 3;
  config.machine.bridges = 5;
  config.storage.driver = BlockDriver::virtio_blk;
  config.shared_fs.msize_9p_bytes = 65536;
  EXPECT_EQ(normalised(config, defaults), config);
}
TEST(Normalised, TwiceIsOnce) {
  auto config = sound();
  config.assets = {{AssetKind::image, "/image", ""}};
  config.cpu.features = {" +a ", "", "  "};
  const auto once = normalised(config, defaults);
  EXPECT_EQ(normalised(once, defaults), once);
}
TEST(Normalised, VirtioFsHasNoMsize) {
  auto config = sound();
  config.shared_fs.type = SharedFs::virtio_fs;
  EXPECT_EQ(normalised(config, defaults).shared_fs.msize_9p_bytes, 0U);
}
TEST(Normalised, BlockDriverIsThePlugins) {
  auto mine = defaults;
  mine.block_driver = BlockDriver::virtio_blk_ccw;
  EXPECT_EQ(normalised(sound(), mine).storage.driver, BlockDriver::virtio_blk_ccw);
}
TEST(Normalised, BridgesAreThePlugins) {
  auto mine = defaults;
  mine.bridges = 0;
  EXPECT_EQ(normalised(sound(), mine).machine.bridges, 0U);
  auto config = sound();
  config.machine.bridges = 2;
  EXPECT_EQ(normalised(config, mine).machine.bridges, 2U);
}
TEST(Normalised, NoRootPortsAreAChoice) {
  auto config = sound();
  EXPECT_EQ(normalised(config, defaults).machine.root_ports, std::nullopt);
  config.machine.root_ports = 0;
  EXPECT_EQ(normalised(config, defaults).machine.root_ports, 0U);
  EXPECT_EQ(vm_config_from_value(to_value(config)), config);
  refuses("machine.root_ports: ports must be at most 16, found 17", [](auto& c) { c.machine.root_ports = 17; });
}
TEST(Normalised, TidiesOptionsAndFeatures) {
  auto config = sound();
  config.machine.options = {" a=b ", "", "   ", "c"};
  config.cpu.features = {"+x ", ""};
  const auto result = normalised(config, defaults);
  EXPECT_EQ(result.machine.options, (std::vector<std::string>{"a=b", "c"}));
  EXPECT_EQ(result.cpu.features, (std::vector<std::string>{"+x"}));
}

TEST(Normalised, NeedsAKernel) {
  refuses("boot.kernel: Missing kernel path", [](auto& c) { c.boot.kernel.clear(); });
}
TEST(Normalised, NeedsAnImageOrAnInitrd) {
  refuses("boot: Missing image and initrd path", [](auto& c) { c.boot.initrd.clear(); });
}
TEST(Normalised, TakesNotBoth) {
  refuses("boot: Image and initrd cannot both be set", [](auto& c) { c.boot.image = "/image"; });
}
TEST(Normalised, AnEarlyInitrdGoesBesideAnImage) {
  auto config = sound();
  config.boot.image = "/image";
  config.boot.early_initrd = std::exchange(config.boot.initrd, {});
  EXPECT_NO_THROW(normalised(config, defaults));
}
TEST(Normalised, AnEarlyInitrdIsNotCounted) {
  refuses("boot: Missing image and initrd path",
          [](auto& c) { c.boot.early_initrd = std::exchange(c.boot.initrd, {}); });
}
TEST(Normalised, BootFilesAreNotNeededByAHypervisorThatBootsNothing) {
  auto mine = defaults;
  mine.needs_boot_files = false;
  EXPECT_NO_THROW(normalised(VmConfig{}, mine));
  auto both = sound();
  both.boot.image = "/image";
  expect_error(Errc::invalid_config, "cannot both be set", [&] { normalised(both, mine); });
}

TEST(Normalised, TemplateFlagsExcludeEachOther) {
  refuses("template: `to_be` and `from` cannot both be set",
          [](auto& c) { c.vm_template = {.to_be = true, .from = true, .memory_path = "/m", .state_path = "/s"}; });
}
TEST(Normalised, ATemplateNeedsItsMemoryFile) {
  refuses("template.memory_path: Missing", [](auto& c) { c.vm_template.to_be = true; });
  refuses("template.memory_path: Missing", [](auto& c) { c.vm_template = {.from = true, .state_path = "/s"}; });
}
TEST(Normalised, StartingFromATemplateNeedsItsState) {
  refuses("template.state_path: Missing", [](auto& c) { c.vm_template = {.from = true, .memory_path = "/m"}; });
}
TEST(Normalised, BecomingATemplateNeedsNoState) {
  auto config = sound();
  config.vm_template = {.to_be = true, .memory_path = "/m"};
  EXPECT_NO_THROW(normalised(config, defaults));
}

TEST(Normalised, VcpusWithinTheMachinesLimit) {
  refuses("cpu.count: 9 is too many: at most 8 vCPUs", [](auto& c) { c.cpu.count = 9; });
  refuses("cpu.max_count: 9 is too many: at most 8 vCPUs", [](auto& c) { c.cpu.max_count = 9; });
}
TEST(Normalised, VcpusWithinTheirMaximum) {
  refuses("cpu.count: 4 is more than cpu.max_count, which is 2", [](auto& c) { c.cpu = {.count = 4, .max_count = 2}; });
}
TEST(Normalised, MemoryWithinTheHosts) {
  refuses("memory.size: 4097MiB is more than the host's memory of 4GiB", [](auto& c) { c.memory.size_mib = 4097; });
  auto config = sound();
  config.memory.size_mib = 4096;
  EXPECT_NO_THROW(normalised(config, defaults));
}
TEST(Normalised, MemoryOfAnUnknownHostIsNotChecked) {
  auto mine = defaults;
  mine.host_memory_mib = 0;
  auto config = sound();
  config.memory.size_mib = 1U << 20U;
  EXPECT_NO_THROW(normalised(config, mine));
}
TEST(Normalised, MemoryWithinItsMaximum) {
  refuses("memory.size: 512MiB is more than memory.max_size, which is 256MiB", [](auto& c) {
    c.memory.size_mib = 512;
    c.memory.max_size_mib = 256;
  });
}
TEST(Normalised, SlotsFitAByte) {
  refuses("memory.slots: slots must be at most 255, found 256", [](auto& c) { c.memory.slots = 256; });
}
TEST(Normalised, BridgesAreFew) {
  refuses("machine.bridges: bridges must be at most 5, found 6", [](auto& c) { c.machine.bridges = 6; });
}
TEST(Normalised, PathsAreAbsolute) {
  refuses("boot.kernel: Must be an absolute path, found 'vmlinuz'", [](auto& c) { c.boot.kernel = "vmlinuz"; });
  refuses("boot.pflash: Must be an absolute path, found 'p'", [](auto& c) { c.boot.pflash = {"/a", "p"}; });
}
TEST(Normalised, NoNewlineGetsThrough) {
  refuses("boot.kernel_params: Kernel parameter 'a' must not", [](auto& c) { c.boot.kernel_params = {{"a", "b\"c"}}; });
  refuses("boot.kernel_params: Item 1: Must not contain", [](auto& c) { c.boot.kernel_params = {{"a", "b\nc"}}; });
  refuses("name: Must not contain", [](auto& c) { c.name = "a\nb"; });
  refuses("machine.options: Item 1: Must not contain", [](auto& c) { c.machine.options = {std::string("a\0b", 3)}; });
}
TEST(Normalised, AllTableProblemsAreNamedAtOnce) {
  refuses("name: Must not contain a newline, a NUL or another control character\nmachine.bridges: bridges must",
          [](auto& c) {
            c.name = "\n";
            c.machine.bridges = 6;
          });
}
TEST(Normalised, AllRulesThatAreBrokenAreNamedAtOnce) {
  auto config = sound();
  config.boot.kernel.clear();
  config.cpu.count = 9;
  config.memory.size_mib = 4097;
  config.vm_template.to_be = true;
  config.devices = {DiskConfig{.id = "a", .path = "/d", .iothread = "io"}, PanicConfig{.id = "a"}, PanicConfig{}};
  expect_error(Errc::invalid_config,
               "boot.kernel: Missing kernel path: give the guest kernel's file\n"
               "template.memory_path: Missing: a template needs the file of its memory\n"
               "cpu.count: 9 is too many: at most 8 vCPUs are possible with this machine\n"
               "memory.size: 4097MiB is more than the host's memory of 4GiB: give less\n"
               "devices[1].id: The id 'a' is taken by devices[0]\n"
               "devices[2]: A VM has at most one panic: leave one out\n"
               "devices[0].iothread: There is no iothread 'io': add a device of type iothread with this id",
               [&] { normalised(config, defaults); });
}

TEST(Normalised, DeviceIdsAreUnique) {
  refuses("devices[1].id: The id 'a' is taken by devices[0]",
          [](auto& c) { c.devices = {DiskConfig{.id = "a", .path = "/d"}, PanicConfig{.id = "a"}}; });
}
TEST(Normalised, DevicesWithoutIdDoNotClash) {
  auto config = sound();
  config.devices = {DiskConfig{.path = "/d"}, DiskConfig{.path = "/e"}, NicConfig{}, NicConfig{}};
  EXPECT_NO_THROW(normalised(config, defaults));
}
TEST(Normalised, TagsAndPortNamesAreUnique) {
  refuses("devices[1].tag: The tag 't' is taken by devices[0]", [](auto& c) {
    c.devices = {ShareConfig{.path = "/a", .tag = "t"},
                 VhostUserConfig{.type = VhostUserType::fs, .socket = "/s", .tag = "t"}};
  });
  refuses("devices[1].name: The name 'p' is taken by devices[0]",
          [](auto& c) { c.devices = {SerialPortConfig{.name = "p"}, SerialPortConfig{.name = "p"}}; });
}
TEST(Normalised, NamesOfFirmwareConfigurationAreUnique) {
  const auto blob = [](const char* name) { return FwCfgConfig{.name = name, .text = "t"}; };
  refuses("devices[2].name: The name 'opt/a' is taken by devices[0]",
          [&](auto& c) { c.devices = {blob("opt/a"), blob("opt/b"), blob("opt/a")}; });
  auto config = sound();
  config.devices = {blob("p"), SerialPortConfig{.name = "p"}};
  EXPECT_NO_THROW(normalised(config, defaults));
}
TEST(Normalised, IoThreadsExist) {
  refuses("devices[0].iothread: There is no iothread 'io'",
          [](auto& c) { c.devices = {DiskConfig{.path = "/d", .iothread = "io"}}; });
  auto config = sound();
  config.devices = {DiskConfig{.path = "/d", .iothread = "io"}, IoThreadConfig{.id = "io"}};
  EXPECT_NO_THROW(normalised(config, defaults));
}
TEST(Normalised, NativeAioNeedsDirectCache) {
  refuses("devices[0].aio: native needs cache_direct",
          [](auto& c) { c.devices = {DiskConfig{.path = "/d", .aio = DiskAio::native}}; });
  auto config = sound();
  config.devices = {DiskConfig{.path = "/d", .aio = DiskAio::native}};
  config.storage.cache_set = true;
  config.storage.cache_direct = true;
  EXPECT_NO_THROW(normalised(config, defaults));
}
TEST(Normalised, SomeDevicesAreSingle) {
  refuses("devices[1]: A VM has at most one balloon", [](auto& c) { c.devices = {BalloonConfig{}, BalloonConfig{}}; });
  refuses("devices[1]: A VM has at most one cloud_init",
          [](auto& c) { c.devices = {CloudInitConfig{}, CloudInitConfig{}}; });
  refuses("devices[1]: A VM has at most one iommu", [](auto& c) { c.devices = {IommuConfig{}, IommuConfig{}}; });
  refuses("devices[1]: A VM has at most one panic", [](auto& c) { c.devices = {PanicConfig{}, PanicConfig{}}; });
  refuses("devices[1]: A VM has at most one vsock", [](auto& c) { c.devices = {VsockConfig{}, VsockConfig{}}; });
}
TEST(Normalised, DevicesAreCheckedOneByOne) {
  refuses("devices[1].path: Must be given", [](auto& c) { c.devices = {PanicConfig{}, DiskConfig{}}; });
  refuses("devices[0]: Exactly one of `path` and `text`", [](auto& c) { c.devices = {FwCfgConfig{.name = "n"}}; });
}

/// Whatever the tables allow: either a clear error, or a result that stays as it is.
TEST(Normalised, NeverSurprises) {
  std::size_t accepted = 0;
  for (std::uint32_t seed = 0; seed < 500; ++seed) {
    const auto config = testing::random_config(seed);
    const ConfigDefaults wide{.max_vcpus = 4096, .host_memory_mib = 0, .needs_boot_files = false};
    try {
      const auto once = normalised(config, wide);
      ++accepted;
      ASSERT_EQ(normalised(once, wide), once) << "seed " << seed;
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), Errc::invalid_config) << error.message();
    }
  }
  EXPECT_GT(accepted, 0U);
}

}  // namespace
}  // namespace visor

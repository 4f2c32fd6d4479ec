// SPDX-License-Identifier: Apache-2.0
#include "visor/runtime/config_file.hpp"

#include "random_config.hpp"
#include "support.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/json.hpp"

namespace visor {
namespace {

using testing::error_of;
using testing::expect_error;

TEST(ConfigFile, LoadsYamlAndJsonAlike) {
  const auto yaml = load_config_text(R"(
name: web
hypervisor: qemu
cpu: {count: 2}
memory:
  size: 512MiB
boot:
  kernel: /k
  initrd: /i
  kernel_params:
    - console=ttyS0
    - init="/sbin/my init"
devices:
  - type: disk
    id: data
    path: /d
  - {type: nic}
)",
                                     "vm.yaml");
  const auto json = load_config_text(R"({"name": "web", "cpu": {"count": 2}, "memory": {"size": "512MiB"},
    "boot": {"kernel": "/k", "initrd": "/i", "kernel_params": "console=ttyS0 init=\"/sbin/my init\""},
    "devices": [{"type": "disk", "id": "data", "path": "/d"}, {"type": "nic"}]})",
                                     "vm.json");
  EXPECT_EQ(yaml, json);
  EXPECT_EQ(yaml.boot.kernel_params, (Params{{"console", "ttyS0"}, {"init", "/sbin/my init"}}));
}

TEST(ConfigFile, EveryProblemOnALineWithItsPlace) {
  const auto error = error_of([] {
    load_config_text(
        "name: web\nmem: 1\ncpu:\n  count: 0\n  cuont: 2\nname: x\n"
        "devices:\n  - type: dsik\n  - type: disk\n    bus: pci\ndebug: yes\n",
        "vm.yaml");
  });
  EXPECT_EQ(error.code(), Errc::invalid_config);
  EXPECT_EQ(
      error.message(),
      "vm.yaml:2:1: mem: Unknown key, did you mean 'memory'?\n"
      "vm.yaml:4:3: cpu.count: vCPUs must be at least 1, found 0\n"
      "vm.yaml:5:3: cpu.cuont: Unknown key, did you mean 'count'?\n"
      "vm.yaml:6:1: name: This key was given already in line 1\n"
      "vm.yaml:8:5: devices[0].type: Expected one of disk, share, nic, serial_port, vsock, vfio, vhost_user, rng, "
      "balloon, panic, watchdog, fw_cfg, iommu, iothread, cloud_init, raw, found the text 'dsik', did you mean "
      "'disk'?\n"
      "vm.yaml:10:5: devices[1].bus: Expected one of auto, virtio-blk, scsi, nvdimm, found the text 'pci'\n"
      "vm.yaml:9:5: devices[1].path: Missing: File or block device.\n"
      "vm.yaml:11:1: debug: Expected true or false, found the text 'yes'");
}

TEST(ConfigFile, UserDataKeepsItsLines) {
  const auto config =
      load_config_text("devices:\n- type: cloud_init\n  user_data: |\n    #cloud-config\n    users: [x]\n", "vm.yaml");
  EXPECT_EQ(std::get<CloudInitConfig>(config.devices.at(0)).user_data, "#cloud-config\nusers: [x]\n");
}

TEST(ConfigFile, DuplicatesInJsonAndInFlowMaps) {
  expect_error(Errc::invalid_config, "f:1:22: cpu.count: This key was given already in line 1",
               [] { load_config_text(R"({"cpu": {"count": 1, "count": 2}})", "f"); });
}

TEST(ConfigFile, AnEmptyFileIsNoConfiguration) {
  expect_error(Errc::invalid_config, "f: Expected a map of settings, found nothing", [] { load_config_text("", "f"); });
}

TEST(ConfigFile, MergeKeysAreUnknown) {
  expect_error(Errc::invalid_config, "<<: Unknown key", [] { load_config_text("cpu: &a {count: 1}\n<<: *a\n", "f"); });
}

TEST(ConfigFile, RelativePathsBeginAtTheFile) {
  const testing::TempDir dir;
  const auto file = dir.file("vm.yaml", "boot: {kernel: k, initrd: ../i, firmware: /f}\n");
  const auto config = load_config(file);
  EXPECT_EQ(config.boot.kernel, (dir.path() / "k").string());
  EXPECT_EQ(config.boot.initrd, (dir.path().parent_path() / "i").string());
  EXPECT_EQ(config.boot.firmware, "/f");
}
TEST(ConfigFile, RelativePathsOfATextStay) { EXPECT_EQ(load_config_text("boot: {kernel: k}", "f").boot.kernel, "k"); }

TEST(ConfigFile, FilesThatCannotBeRead) {
  const testing::TempDir dir;
  expect_error(Errc::not_found, "none.yaml", [&] { load_config(dir.path() / "none.yaml"); });
  expect_error(Errc::io_error, dir.path().string(), [&] { load_config(dir.path()); });
}
TEST(ConfigFile, SizeIsBounded) {
  const testing::TempDir dir;
  const auto fits = "# " + std::string(max_config_bytes - 12, 'x') + "\nname: a\n";
  ASSERT_EQ(fits.size(), max_config_bytes - 1);
  EXPECT_EQ(load_config(dir.file("fits.yaml", fits)).name, "a");
  expect_error(Errc::exhausted, "is larger than 1048576 bytes",
               [&] { load_config(dir.file("f.yaml", fits + "# \n")); });
  expect_error(Errc::exhausted, "is larger than 1048576 bytes", [&] { load_config_text(fits + "# \n", "f"); });
}

TEST(ConfigFile, ReadsBackWhatTheLibraryWrites) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    const auto config = testing::random_config(seed);
    auto json = to_json(to_value(config), seed % 2 == 0 ? 2 : -1);
    ASSERT_EQ(load_config_text(json, "f"), config) << "seed " << seed << "\n" << json;
  }
}

/// Broken files end in one error of this kind, never in another exception or a crash.
TEST(ConfigFile, CutAnywhere) {
  const auto text = to_json(to_value(testing::random_config(7)), 1);
  for (std::size_t length = 0; length < text.size(); length += 7) {
    expect_error(Errc::invalid_config, "f:", [&] { load_config_text(text.substr(0, length), "f"); });
  }
}

}  // namespace
}  // namespace visor

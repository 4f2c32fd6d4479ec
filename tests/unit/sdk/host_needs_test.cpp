// SPDX-License-Identifier: Apache-2.0
// What the devices of a VM need of the host, on an imagined host.
#include "qemu/plan/host_needs.hpp"

#include "qemu/plan/plan.hpp"
#include "support/error_of.hpp"
#include "support/temporary_folder.hpp"
#include "visor/core/error.hpp"
#include "visor/core/file.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace visor::sdk::plan {
namespace {

namespace fs = std::filesystem;

class HostNeeds : public ::testing::Test {
 protected:
  void SetUp() override {
    paths_ = {root_ / "dev", root_ / "sys"};
    fs::create_directories(paths_.dev / "net");
    fs::create_directories(paths_.dev / "vfio");
  }

  void put(const fs::path& path) const { write_file_atomically(path, "x"); }

  [[nodiscard]] std::string answer(const DeviceConfig& device, bool use_vsock = false) const {
    VmConfig config;
    config.network.use_vsock = use_vsock;
    config.devices = {device};
    try {
      check_host(config, paths_);
    } catch (const Error& error) {
      return std::string{to_string(error.code())} + ": " + error.message();
    }
    return "fine";
  }

  test::TemporaryFolder folder_;
  const fs::path& root_ = folder_.path();
  HostPaths paths_;
};

TEST_F(HostNeeds, MemoryInAFolderNeedsTheFolder) {
  VmConfig config;
  config.memory.backing_dir = (root_ / "memory").string();
  const auto error = test::error_of([&] { check_host(config, paths_); });
  EXPECT_EQ(error.code(), Errc::not_found);
  EXPECT_EQ(error.message(),
            "memory.backing_dir: there is no folder " + config.memory.backing_dir + " for the guest's memory");
  fs::create_directory(config.memory.backing_dir);
  check_host(config, paths_);
}

TEST_F(HostNeeds, ATapNeedsTheTunDevice) {
  NicConfig nic;
  nic.id = "n";
  EXPECT_EQ(answer(nic), "fine");  // the user network needs nothing
  nic.backend = NicBackend::tap;
  nic.interface = "tap0";
  EXPECT_EQ(answer(nic), "unsupported: devices[0]: a tap network card needs " + (paths_.dev / "net/tun").string() +
                             ", which this host does not have; load its kernel module tun");
  put(paths_.dev / "net/tun");
  EXPECT_EQ(answer(nic), "fine");
}

TEST_F(HostNeeds, AVsockNeedsVhost) {
  VsockConfig vsock;
  vsock.id = "v";
  EXPECT_EQ(answer(vsock).substr(0, 40), "unsupported: devices[0]: a vsock device ");
  put(paths_.dev / "vhost-vsock");
  EXPECT_EQ(answer(vsock), "fine");
}

TEST_F(HostNeeds, NameTheFieldThatAddedAVsock) {
  VsockConfig vsock;
  vsock.id = chosen_vsock_id;
  EXPECT_EQ(answer(vsock, true).substr(0, 51), "unsupported: network.use_vsock: a vsock device need");
}

TEST_F(HostNeeds, AHostDeviceNeedsVfioToHoldIt) {
  VfioConfig vfio;
  vfio.id = "h";
  vfio.host = "01:00.0";
  EXPECT_NE(answer(vfio).find("load its kernel module vfio"), std::string::npos);
  put(paths_.dev / "vfio/vfio");
  EXPECT_EQ(answer(vfio).substr(0, 38), "not_found: devices[0].host: the device");
  const auto device = paths_.sys / "bus/pci/devices/0000:01:00.0";
  fs::create_directories(device);
  EXPECT_EQ(answer(vfio),
            "unsupported: devices[0].host: 0000:01:00.0 is held by no driver of the host; bind it to vfio-pci");
  fs::create_symlink("../../drivers/e1000", device / "driver");
  EXPECT_EQ(answer(vfio),
            "unsupported: devices[0].host: 0000:01:00.0 is held by the driver e1000 of the host; bind it to vfio-pci");
  fs::remove(device / "driver");
  fs::create_symlink("../../drivers/vfio-pci", device / "driver");
  EXPECT_EQ(answer(vfio), "fine");
}

TEST_F(HostNeeds, AMediatedDeviceNeedsItsFolder) {
  put(paths_.dev / "vfio/vfio");
  VfioConfig vfio;
  vfio.id = "m";
  vfio.sysfs_path = (root_ / "mdev").string();
  EXPECT_EQ(answer(vfio).substr(0, 10), "not_found:");
  fs::create_directory(root_ / "mdev");
  EXPECT_EQ(answer(vfio), "fine");
}

TEST_F(HostNeeds, AServedDeviceNeedsASocket) {
  VhostUserConfig served;
  served.id = "s";
  served.socket = (root_ / "sock").string();
  EXPECT_EQ(answer(served).substr(0, 10), "not_found:");
  put(root_ / "sock");
  EXPECT_EQ(answer(served), "invalid_config: devices[0].socket: " + served.socket + " is no socket");
}

TEST_F(HostNeeds, AShareNeedsAFolderAndABlobItsFile) {
  ShareConfig share;
  share.id = "s";
  share.path = (root_ / "shared").string();
  EXPECT_EQ(answer(share).substr(0, 10), "not_found:");
  put(root_ / "shared");
  EXPECT_EQ(answer(share), "invalid_config: devices[0].path: " + share.path + " is no folder");
  share.path = root_.string();
  EXPECT_EQ(answer(share), "fine");
  FwCfgConfig blob;
  blob.id = "b";
  blob.text = "x";
  EXPECT_EQ(answer(blob), "fine");
  blob.path = (root_ / "blob").string();
  EXPECT_EQ(answer(blob).substr(0, 10), "not_found:");
  put(root_ / "blob");
  EXPECT_EQ(answer(blob), "fine");
}

TEST_F(HostNeeds, CloudInitNeedsEachOfItsFiles) {
  CloudInitConfig cloud;
  cloud.id = "c";
  cloud.user_data = "#cloud-config";
  EXPECT_EQ(answer(cloud), "fine");
  cloud.user_data.clear();
  const auto lacks = [](const std::string& field, const std::string& path) {
    return "devices[0]." + field + ": the file: Cannot find " + path + ": No such file or directory";
  };
  cloud.user_data_path = (root_ / "user").string();
  cloud.meta_data_path = (root_ / "meta").string();
  cloud.network_config_path = (root_ / "network").string();
  EXPECT_EQ(answer(cloud), "not_found: " + lacks("user_data_path", cloud.user_data_path) + '\n' +
                               lacks("meta_data_path", cloud.meta_data_path) + '\n' +
                               lacks("network_config_path", cloud.network_config_path));
  for (const auto* name : {"user", "meta", "network"}) put(root_ / name);
  EXPECT_EQ(answer(cloud), "fine");
}

}  // namespace
}  // namespace visor::sdk::plan

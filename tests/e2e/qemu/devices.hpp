// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "guest.hpp"

#include <filesystem>
#include <string>

/// Devices of many kinds for one boot, and the guest's own word for each of them. A check fails the test that calls it.
namespace visor::test {

class DeviceTest : public QemuTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  [[nodiscard]] std::filesystem::path shared() const { return files_ / "shared"; }
  /// A disk of 1 MiB whose first line is "this is <id>"; its serial is "serial-<id>".
  [[nodiscard]] DiskConfig disk(const std::string& id, DiskBus bus) const;
  /// "first", "second" on an iothread, and "scsi".
  void add_disks(VmConfig& config) const;
  /// shared() as "both", and as "looks" that is read-only.
  void add_shares(VmConfig& config) const;
  /// Network card, balloon, rng, watchdog, and a second port that the agent serves.
  static void add_small(VmConfig& config);

  void check_disks(Agent guest) const;
  static void check_network(Agent guest);
  void check_shares(Agent guest) const;
  /// Balloon, rng and the port, and what QEMU says of the balloon and of the thread.
  void check_small(Agent guest, Vm& vm) const;

  std::filesystem::path files_;
};

}  // namespace visor::test

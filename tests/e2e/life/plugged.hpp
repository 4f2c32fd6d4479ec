// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "life.hpp"

#include <cstddef>
#include <map>
#include <string>

/// Devices to plug, and what a guest, QEMU and the host's /proc say of them.
namespace visor::test {

/// What a VM holds on to. Equal before and after a device has come and gone.
struct Holdings {
  std::size_t qemu_fds = 0;
  std::size_t own_fds = 0;
  std::size_t qom_devices = 0;
  std::size_t block_nodes = 0;
  std::string addresses;  ///< of the record
  bool operator==(const Holdings&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Holdings& holdings);

class PlugTest : public LifeTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// PCI devices of this guest come and go by drmgr, which it runs when it is told.
  [[nodiscard]] bool by_tool() const { return is("ppc64le"); }
  /// Unplugging takes the guest's port driver six seconds.
  [[nodiscard]] bool slow_pci() const { return is("arm64"); }

  /// A disk of 1 MiB whose first line is "this is <id>"; its serial is "serial-<id>".
  [[nodiscard]] DiskConfig disk(const std::string& id, DiskBus bus) const;
  static NicConfig card(const std::string& id);
  /// A port that the guest's agent serves.
  static SerialPortConfig port(const std::string& id);

  /// The name of a disk in the guest, by its serial; waits for it, and gives up with an empty one.
  static std::string disk_in(Agent& guest, const std::string& id);
  static bool disk_goes(Agent& guest, const std::string& name);
  static bool card_is_there(Agent& guest, const std::string& mac);

  [[nodiscard]] static Value ask_qemu(Vm& vm, const std::string& command, const Value& arguments = {});
  [[nodiscard]] static bool has(Vm& vm, const std::string& id);
  [[nodiscard]] Holdings holdings(Vm& vm) const;

  std::filesystem::path files_;
};

}  // namespace visor::test

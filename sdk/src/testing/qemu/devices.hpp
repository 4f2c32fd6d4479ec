// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "backends.hpp"
#include "cpus.hpp"
#include "drivers.hpp"
#include "visor/core/value.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visor::testing {

struct FakeDevice {
  std::string id;
  std::string driver;
  std::string path;
  Socket socket = Socket::none;
  std::string bus = {};
  std::uint64_t slot = 0;      // on a PCI bus, or of memory
  std::uint64_t function = 0;  // of a PCI slot
  std::optional<std::size_t> cpu = {};
  Value properties = {};
  bool cold = false;
  std::uint64_t amount = 0;  // of virtio-mem: what the guest took; of a balloon: what it lends
  bool leaving = false;      // asked for, and the guest has not let go yet
};

/// The devices and the buses that they bring. Refuses in the words of QEMU 7.2, as measured.
class Devices {
 public:
  Devices(const CommandLine& line, const Profile& profile, Backends& backends, Cpus& cpus);

  void add(const Value& properties, bool cold = false);
  /// The device of device_del's `id`, an id or a path, which may go.
  FakeDevice& find_removable(const std::string& id);
  /// Whether only a guest that runs lets go of it.
  [[nodiscard]] bool needs_guest(const FakeDevice& device) const;
  /// Whether it is a vCPU that goes by ACPI.
  [[nodiscard]] bool is_acpi_cpu(const FakeDevice& device) const { return device.cpu && target_ == Target::x86_64; }
  [[nodiscard]] std::vector<std::string> leaving() const;
  /// Takes it out; returns the paths that DEVICE_DELETED tells before that of the device.
  std::vector<std::string> remove(const std::string& path);

  [[nodiscard]] const FakeDevice* find(const std::string& id) const;
  [[nodiscard]] FakeDevice* change(const std::string& id);
  /// The first device whose driver begins so, or null.
  [[nodiscard]] FakeDevice* find_driver(std::string_view beginning);
  [[nodiscard]] Value list_memory() const;
  /// The answer of qom-list for /machine/peripheral.
  [[nodiscard]] Value list_ids() const;
  /// The answer of query-pci; buses have numbers in the order of their ports, as firmware gives them.
  [[nodiscard]] Value list_pci() const;
  [[nodiscard]] Value list_block_stats() const;
  [[nodiscard]] std::uint64_t plugged_memory() const;

 private:
  [[nodiscard]] Value virtio_mem_entry(const FakeDevice& device) const;
  [[nodiscard]] std::string default_bus(Socket socket, const std::string& driver) const;
  [[nodiscard]] bool has_bus(const std::string& name) const;
  [[nodiscard]] bool takes_no_hotplug(const std::string& bus) const;
  [[nodiscard]] Value list_bus(const std::string& bus, std::uint64_t number, std::uint64_t& last) const;
  void place(FakeDevice& device) const;
  void place_on_pci(FakeDevice& device) const;
  [[nodiscard]] const FakeDevice* at(const std::string& bus, std::uint64_t slot, std::uint64_t function = 0) const;
  void check_functions(const FakeDevice& device) const;

  Target target_;
  std::string machine_;
  bool acpi_hotplug_;
  const Profile& profile_;
  Backends& backends_;
  Cpus& cpus_;
  std::vector<FakeDevice> devices_;
  std::size_t nameless_ = 0;
};

}  // namespace visor::testing

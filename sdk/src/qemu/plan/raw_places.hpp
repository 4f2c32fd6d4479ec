// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "plan.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

namespace visor::sdk::plan::detail {

inline constexpr std::string_view port_prefix = "visor-port";
inline constexpr std::string_view bridge_prefix = "visor-bridge";
inline constexpr std::uint32_t last_slot = 31;          // PCI: five bits
inline constexpr std::uint32_t first_port_slot = 0x1e;  // and down; q35 has devices of its own at the one above
inline constexpr std::uint32_t functions = 8;           // of a slot, each of them a port

/// As QEMU writes slots and functions.
std::string hex(std::uint32_t number);

/// Where devices in QEMU's own words sit. What they name is not handed out later, and what QEMU would not give them is
/// refused.
class RawPlaces {
 public:
  /// With this many ports and bridges of the driver's own. The addresses must outlive this.
  RawPlaces(const BusLayout& layout, std::uint32_t ports, std::uint32_t bridges, Addresses& addresses)
      : root_{layout.root_bus},
        first_bridge_slot_{layout.first_bridge_slot},
        ports_{ports},
        bridges_{bridges},
        addresses_{addresses} {}

  /// The next one, in the order of the command line. Throws invalid_config, naming the property.
  void note(const std::string& path, const RawDeviceConfig& raw);

 private:
  [[noreturn]] void refuse(std::string_view key, const std::string& why) const;
  /// N of "visor-portN"; nothing for what has another name.
  [[nodiscard]] std::optional<std::uint32_t> number_of(std::string_view bus, std::string_view prefix,
                                                       std::uint32_t count, const std::string& field,
                                                       const std::string& what) const;
  /// Where QEMU puts a device without an address: function 0 of the first slot that has none, from slot 0 on.
  std::uint32_t free_slot(const std::string& bus);
  void sit(const std::string& bus, std::uint32_t devfn, std::string_view key, const std::string& id);
  /// Functions of one slot, and of one port, share its number.
  void take(AddressSpace space, const std::string& bus, std::uint32_t number, const std::string& id);
  void check_root_slot(std::uint32_t slot) const;

  std::string root_;
  std::uint32_t first_bridge_slot_;
  std::uint32_t ports_;
  std::uint32_t bridges_;
  Addresses& addresses_;
  std::string field_;                                                  // of the device at hand
  std::map<std::string, std::map<std::uint32_t, std::string>> taken_;  // of each bus, by whom
  std::set<std::tuple<AddressSpace, std::string, std::uint32_t>> noted_;
};

}  // namespace visor::sdk::plan::detail

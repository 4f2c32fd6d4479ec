// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/qemu_arch.hpp"
#include "visor/core/value.hpp"
#include "visor/sdk/device/property_bag.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// All there is to know about the device structs, as tables: validate(), render() and docs/DEVICES.md come from them.
namespace visor::sdk {

/// How a field is written and what it may be. A text that is empty is not said to QEMU.
enum class FieldType : std::uint8_t {
  boolean,
  number,        ///< from min to max
  text,          ///< at most max bytes where max is not 0; without NUL and newline, as all texts
  choice,        ///< one of choices
  id,            ///< what the thing is called: a letter, then letters, digits, '-', '.', '_'
  reference,     ///< the id of another thing
  bus,           ///< the name of a bus ("pcie.0", "scsi0.0")
  path,          ///< absolute, so that QEMU never takes it for a protocol (nbd:, json:); at most 4095 bytes
  socket_path,   ///< the same, at most 107 bytes
  fd,            ///< a descriptor: its number in QEMU's process, or the name that getfd gave it
  fds,           ///< several of these
  mac,           ///< "52:54:00:12:34:56"
  pci_address,   ///< slot and function in hex ("4", "0x4", "04.1")
  devno,         ///< of a ccw device: channel subsystem, set and number in hex ("fe.0.0004")
  host_address,  ///< of a PCI device of the host ("0000:01:00.0", "01:00.0")
  uuid,          ///< "2e0cbd0e-5d0f-4a43-9a4c-1a0d4e2b4f4e"
  options,       ///< several "key=value"
  computed,      ///< no member: follows from others
};

inline constexpr std::uint8_t on_pci = 1;
inline constexpr std::uint8_t on_ccw = 2;
inline constexpr std::uint8_t on_mmio = 4;
inline constexpr std::uint8_t on_all = on_pci | on_ccw | on_mmio;
/// The bit of a transport in a set of them.
constexpr std::uint8_t transport_bit(VirtioTransport transport) {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(transport));
}

/// How a member is kept.
enum class FieldStorage : std::uint8_t { boolean, number, number16, number32, integer, text, texts, choice, none };

/// One field of a device struct.
struct DeviceField {
  std::string_view name;  ///< of the member; of one of its place by the name there; empty for what is computed
  std::string_view key;   ///< QEMU's property, or its option ("-kernel"); empty: nothing says it by itself
  FieldType type = FieldType::text;
  std::string_view doc;
  std::string_view unit;  ///< of a number: "bytes", "ms", a plural, or empty
  std::uint64_t min = 0;
  std::uint64_t max = 0;
  bool power_of_two = false;
  std::vector<std::string_view> choices;  ///< in the order of the enumeration
  /// Choices that are refused, each with the reason.
  std::vector<std::pair<std::string_view, std::string_view>> refused_choices;
  std::string_view refused;          ///< not empty: setting it is refused with this reason
  std::uint8_t transports = on_all;  ///< those that have it; none: devices that are not virtio lack it
  std::uint32_t variants = ~0U;      ///< bit n: variant n of the table has it
  bool required = false;             ///< must be said where the variant has it
  bool always = false;               ///< said even when it is as it was by default
  std::string_view since = "7.2";    ///< the first QEMU that has it, of those that the SDK supports
  FieldStorage storage = FieldStorage::none;
  bool optional = false;  ///< the member is a std::optional
  const void* (*member)(const void* device) = nullptr;
  std::optional<PropertyBag::Property> (*compute)(const void* device) = nullptr;
};

/// One of QEMU's types that a struct can stand for.
struct DeviceVariant {
  std::string_view name;  ///< how errors call it; may be empty where there is one variant
  std::string_view type;  ///< QEMU's: "vhost-user-blk", "memory-backend-ram"; of a virtio device without its suffix
  std::uint8_t transports = on_all;
  std::string_view refused;  ///< not empty: the variant is refused with this reason
};

/// How a struct is told to QEMU.
enum class DeviceOption : std::uint8_t {
  device,
  object,
  netdev,
  chardev,
  blockdev,
  worded,  ///< a word and properties: -machine, -fsdev, -numa, -sandbox
  keyval,  ///< properties alone
  plain,   ///< each field is an option of its own, whose value QEMU takes as it is
};

struct DeviceTable {
  std::string_view name;  ///< of the struct
  std::string_view what;  ///< how errors call it: "Disk"
  DeviceOption kind = DeviceOption::device;
  std::string_view option;  ///< "-device"; empty for DeviceOption::plain, where each field has its own
  std::string_view doc;
  bool virtio = false;  ///< its types get the suffix of their transport
  std::vector<DeviceVariant> variants;
  std::vector<DeviceField> fields;
  const void* defaults = nullptr;                              ///< a struct as nobody has touched it
  VirtioTransport (*transport)(const void* device) = nullptr;  ///< null: it is on the first of its variant's
  std::size_t (*variant)(const void* device) = nullptr;        ///< null: it has one

  /// The field of this name, or null.
  [[nodiscard]] VISOR_SDK_EXPORT const DeviceField* find(std::string_view field) const noexcept;
};

/// The tables of all structs.
VISOR_SDK_EXPORT const std::vector<const DeviceTable*>& device_tables();

/// For programs that treat all structs alike. `device` is a struct of the table.
/// The member as plain data: null when an optional one is empty, a choice as its word.
VISOR_SDK_EXPORT Value read_field(const DeviceField& field, const void* device);
/// Sets it. Throws invalid_config for data of another kind, and for a choice that there is not; whatever else is wrong
/// is for validate() to find.
VISOR_SDK_EXPORT void write_field(const DeviceField& field, void* device, const Value& value);
/// Everything that the table finds wrong, each as "Disk 'd0': serial must not be longer than 20 bytes". The rules that
/// concern several fields are in the struct's validate() alone.
VISOR_SDK_EXPORT std::vector<std::string> field_problems(const DeviceTable& table, const void* device);

}  // namespace visor::sdk

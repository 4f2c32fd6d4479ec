// SPDX-License-Identifier: Apache-2.0
// Makes the tables of the device structs, and what they all do with them.
#pragma once
#include "visor/sdk/device/command_line.hpp"
#include "visor/sdk/device/describe.hpp"
#include "visor/sdk/device/place.hpp"

#include <algorithm>
#include <concepts>
#include <functional>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace visor::sdk {

/// Throws all problems as one DeviceError, a line each: invalid_config, and unsupported for what is refused.
void check_fields(const DeviceTable& table, const void* device);
/// The same for what is several structs.
using TableAndDevice = std::pair<const DeviceTable*, const void*>;
void check_fields(std::initializer_list<TableAndDevice> parts);
/// QEMU's type of it, with the suffix of its transport.
std::string type_of(const DeviceTable& table, const void* device);
/// Its fields as a bag. Fields with a key are there in the table's order.
PropertyBag properties_of(const DeviceTable& table, const void* device);
/// The same, added to what the bag has.
void add_properties(PropertyBag& bag, const DeviceTable& table, const void* device);
/// For DeviceOption::plain: each field that is said becomes an option. For the others one option with the bag.
void render_fields(const DeviceTable& table, const void* device, CommandLine& line);
/// "Disk 'd0'", or "Kernel" for what has no id.
std::string name_of(const DeviceTable& table, const void* device);
/// Throws DeviceError(invalid_config): "<name>: <why>". A reason that begins with a field is about that field.
[[noreturn]] void refuse_device(const DeviceTable& table, const void* device, const std::string& why);

namespace detail {

template <class Pointer>
struct MemberPointer;
template <class Class, class Member>
struct MemberPointer<Member Class::*> {
  using Object = Class;
  using Type = Member;
};
template <auto Pointer>
using ObjectOf = typename MemberPointer<decltype(Pointer)>::Object;
template <auto First, auto... Rest>
struct LastOf {
  using Type = typename LastOf<Rest...>::Type;
};
template <auto Last>
struct LastOf<Last> {
  using Type = typename MemberPointer<decltype(Last)>::Type;
};

template <class T>
struct Held {
  using Type = T;
  static constexpr bool optional = false;
};
template <class T>
struct Held<std::optional<T>> {
  using Type = T;
  static constexpr bool optional = true;
};

template <class T>
constexpr FieldStorage storage_of() {
  if constexpr (std::same_as<T, bool>) return FieldStorage::boolean;
  if constexpr (std::same_as<T, std::uint64_t>) return FieldStorage::number;
  if constexpr (std::same_as<T, std::uint32_t>) return FieldStorage::number32;
  if constexpr (std::same_as<T, std::uint16_t>) return FieldStorage::number16;
  if constexpr (std::same_as<T, int>) return FieldStorage::integer;
  if constexpr (std::same_as<T, std::string>) return FieldStorage::text;
  if constexpr (std::same_as<T, std::vector<std::string>>) return FieldStorage::texts;
  if constexpr (std::is_enum_v<T>) return FieldStorage::choice;
  return FieldStorage::none;
}

/// A member, or one of a struct that is a member.
template <auto First, auto... Rest>
const void* member_at(const void* device) {
  const auto& first = static_cast<const ObjectOf<First>*>(device)->*First;
  return &(first.*....*Rest);
}

}  // namespace detail

/// A field under construction.
struct FieldBuilder : DeviceField {
  FieldBuilder&& as(FieldType what) && {
    type = what;
    return std::move(*this);
  }
  FieldBuilder&& range(std::uint64_t lowest, std::uint64_t highest) && {
    min = lowest;
    max = highest;
    return std::move(*this);
  }
  FieldBuilder&& in(std::string_view what) && {
    unit = what;
    return std::move(*this);
  }
  FieldBuilder&& longest(std::uint64_t bytes) && {
    max = bytes;
    return std::move(*this);
  }
  FieldBuilder&& on(std::uint8_t where) && {
    transports = where;
    return std::move(*this);
  }
  FieldBuilder&& only(std::uint32_t of) && {
    variants = of;
    return std::move(*this);
  }
  FieldBuilder&& needed() && {
    required = true;
    return std::move(*this);
  }
  FieldBuilder&& said() && {
    always = true;
    return std::move(*this);
  }
  FieldBuilder&& of(std::vector<std::string_view> words) && {
    choices = std::move(words);
    type = FieldType::choice;
    return std::move(*this);
  }
  FieldBuilder&& powers() && {
    power_of_two = true;
    return std::move(*this);
  }
  FieldBuilder&& no(std::string_view reason) && {
    refused = reason;
    return std::move(*this);
  }
  FieldBuilder&& no(std::string_view word, std::string_view reason) && {
    refused_choices.emplace_back(word, reason);
    return std::move(*this);
  }
};

/// field<&VirtioBlk::serial>("serial", "serial", "What the guest reads as its serial number.")
template <auto... Path>
FieldBuilder field(std::string_view name, std::string_view key, std::string_view doc) {
  using Last = typename detail::LastOf<Path...>::Type;
  using Kept = typename detail::Held<Last>::Type;
  static_assert(detail::storage_of<Kept>() != FieldStorage::none);
  // Enumerations are read as bytes, which is right for a byte alone.
  static_assert(!std::is_enum_v<Kept> || (sizeof(Kept) == 1 && !detail::Held<Last>::optional));
  FieldBuilder made;
  made.name = name;
  made.key = key;
  made.doc = doc;
  made.storage = detail::storage_of<Kept>();
  made.optional = detail::Held<Last>::optional;
  made.member = &detail::member_at<Path...>;
  if constexpr (std::same_as<Kept, bool>) made.type = FieldType::boolean;
  if constexpr (std::unsigned_integral<Kept> && !std::same_as<Kept, bool>) {
    made.type = FieldType::number;
    made.max = std::numeric_limits<Kept>::max();
  }
  return made;
}

/// The id of a thing, its first field as a rule.
template <auto... Path>
FieldBuilder id_field(std::string_view doc = "What it is called.") {
  return field<Path...>("id", "id", doc).as(FieldType::id).needed();
}

/// The id of another thing.
template <auto... Path>
FieldBuilder reference(std::string_view name, std::string_view key, std::string_view doc) {
  return field<Path...>(name, key, doc).as(FieldType::reference);
}

template <auto... Path>
FieldBuilder path_field(std::string_view name, std::string_view key, std::string_view doc) {
  return field<Path...>(name, key, doc).as(FieldType::path);
}

/// What follows from other fields: Make takes the struct and gives a std::optional<PropertyBag::Property>.
template <class Device, auto Make>
FieldBuilder computed(std::string_view key, std::string_view doc) {
  FieldBuilder made;
  made.key = key;
  made.doc = doc;
  made.type = FieldType::computed;
  made.compute = [](const void* device) -> std::optional<PropertyBag::Property> {
    return Make(*static_cast<const Device*>(device));
  };
  return made;
}

/// The fields of a Place within the struct, for a virtio device, or for one that is none; these variants have them.
template <auto Member>
void add_place(std::vector<DeviceField>& fields, bool virtio, std::uint32_t of) {
  const auto add = [&](FieldBuilder&& made) { fields.push_back(std::move(made).only(of)); };
  add(field<Member, &Place::bus>("bus", "bus", "Where it is plugged; not set: QEMU's choice.")
          .as(FieldType::bus)
          .on(on_pci | on_mmio));
  add(field<Member, &Place::addr>("addr", "addr", "Slot and function on its bus.")
          .as(FieldType::pci_address)
          .on(on_pci));
  add(field<Member, &Place::devno>("devno", "devno", "Its number.").as(FieldType::devno).on(on_ccw));
  add(field<Member, &Place::romfile>("romfile", "romfile", "Its option ROM; empty text takes its own one away.")
          .on(on_pci));
  add(field<Member, &Place::disable_modern>("disable_modern", "disable-modern", "Only the legacy interface.")
          .on(virtio ? on_pci : 0));
  add(field<Member, &Place::disable_legacy>("disable_legacy", "disable-legacy", "No legacy interface.")
          .of({"auto", "on", "off"})
          .on(virtio ? on_pci : 0));
  add(field<Member, &Place::iommu_platform>("iommu_platform", "iommu_platform", "The guest's IOMMU stands between.")
          .on(virtio ? on_all : 0));
  add(field<Member, &Place::ats>("ats", "ats", "May keep translations of that IOMMU.").on(virtio ? on_pci : 0));
}

/// A table under construction.
template <class Device>
struct TableBuilder : DeviceTable {
  TableBuilder(std::string_view struct_name, std::string_view called, std::string_view text) {
    static const Device untouched{};
    name = struct_name;
    what = called;
    doc = text;
    defaults = &untouched;
    if constexpr (requires(Device device) { device.transport; }) {
      transport = [](const void* device) { return static_cast<const Device*>(device)->transport; };
    }
  }
  TableBuilder&& told_by(DeviceOption how, std::string_view with) && {
    kind = how;
    option = with;
    return std::move(*this);
  }
  /// A virtio device of one base name.
  TableBuilder&& is_virtio(std::string_view base, std::uint8_t where = on_all) && {
    virtio = true;
    return std::move(*this).is(base, where);
  }
  TableBuilder&& is(std::string_view type, std::uint8_t where = on_all) && {
    option = kind == DeviceOption::device ? "-device" : option;
    variants.push_back({"", type, where, ""});
    return std::move(*this);
  }
  /// Several variants: Choose is the member that has their number, or a function that gives it.
  template <auto Choose>
  TableBuilder&& by(std::vector<DeviceVariant> each) && {
    option = kind == DeviceOption::device ? "-device" : option;
    variants = std::move(each);
    variant = [](const void* device) {
      return static_cast<std::size_t>(std::invoke(Choose, *static_cast<const Device*>(device)));
    };
    return std::move(*this);
  }
  /// With by(): virtio devices all.
  TableBuilder&& suffixed() && {
    virtio = true;
    return std::move(*this);
  }
  TableBuilder&& with(std::vector<DeviceField> all) && {
    fields = std::move(all);
    return std::move(*this);
  }
  /// The fields of its Place come after the others; variants of these have one.
  template <auto Member>
  TableBuilder&& placed(std::uint32_t of = ~0U) && {
    add_place<Member>(fields, virtio, of);
    return std::move(*this);
  }
  /// After placed(): variants that know virtio 1 alone.
  TableBuilder&& modern(std::uint32_t these) && {
    for (const auto* each : {"disable_modern", "disable_legacy"}) {
      std::ranges::find(fields, each, &DeviceField::name)->variants &= ~these;
    }
    return std::move(*this);
  }
};

/// The bit of a value of an enumeration in DeviceField::variants.
template <class... Kind>
constexpr std::uint32_t variants_of(Kind... kind) {
  return ((1U << static_cast<unsigned>(kind)) | ...);
}

}  // namespace visor::sdk

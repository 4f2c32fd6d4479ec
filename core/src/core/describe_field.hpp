// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "describe_codec.hpp"
#include "visor/core/describe.hpp"

#include <concepts>
#include <utility>

/// Makes a Field out of a member pointer: field<&CpuConfig::count>("count", "Number of vCPUs.").range(1, 1024)
namespace visor::detail {

template <class Pointer>
struct MemberPointer;
template <class Class, class Member>
struct MemberPointer<Member Class::*> {
  using Object = Class;
  using Type = Member;
};
template <auto Pointer>
using ObjectOf = typename MemberPointer<decltype(Pointer)>::Object;
template <auto Pointer>
using TypeOf = typename MemberPointer<decltype(Pointer)>::Type;

template <auto Pointer>
auto& member_of(void* object) {
  return static_cast<ObjectOf<Pointer>*>(object)->*Pointer;
}
template <auto Pointer>
const auto& member_of(const void* object) {
  return static_cast<const ObjectOf<Pointer>*>(object)->*Pointer;
}

/// A number that may be missing, where 0 means none and not "not set".
template <class T>
inline constexpr bool is_optional_number = std::same_as<T, std::optional<std::uint32_t>>;

template <class T>
Value encode(const T& member) {
  if constexpr (std::is_enum_v<T>) {
    return Value{name_in(enum_names<T>, member)};
  } else if constexpr (std::same_as<T, Params>) {
    return encode_params(member);
  } else if constexpr (std::same_as<T, std::vector<std::string>>) {
    return encode_texts(member);
  } else if constexpr (is_optional_number<T>) {
    return member ? Value{*member} : Value{};
  } else {
    return Value{member};
  }
}

/// A field under construction: what follows from the member's type is set, the rest is said by chained calls.
struct FieldBuilder : Field {
  FieldBuilder&& range(std::uint64_t lowest, std::uint64_t highest) && {
    min = lowest;
    max = highest;
    return std::move(*this);
  }
  FieldBuilder&& in(std::string_view what) && {
    unit = what;
    return std::move(*this);
  }
  FieldBuilder&& admin() && {
    trust = Trust::host_admin;
    return std::move(*this);
  }
  FieldBuilder&& needed() && {
    required = true;
    return std::move(*this);
  }
};

template <class T>
constexpr FieldKind kind_of() {
  if constexpr (std::same_as<T, bool>) return FieldKind::boolean;
  if constexpr (std::unsigned_integral<T> || is_optional_number<T>) return FieldKind::integer;
  if constexpr (std::is_enum_v<T>) return FieldKind::choice;
  if constexpr (std::same_as<T, std::vector<std::string>>) return FieldKind::texts;
  if constexpr (std::same_as<T, Params>) return FieldKind::params;
  if constexpr (std::same_as<T, Value>) return FieldKind::properties;
  if constexpr (std::same_as<T, std::vector<DeviceConfig>>) return FieldKind::devices;
  return FieldKind::text;
}

inline FieldBuilder named(std::string_view key, FieldKind kind, std::string_view doc) {
  FieldBuilder made;
  made.key = key;
  made.kind = kind;
  made.doc = doc;
  return made;
}

template <auto Pointer>
FieldBuilder field(std::string_view key, std::string_view doc) {
  using T = TypeOf<Pointer>;
  auto made = named(key, kind_of<T>(), doc);
  if constexpr (std::is_enum_v<T>) made.choices.assign(enum_names<T>.begin(), enum_names<T>.end());
  if constexpr (std::unsigned_integral<T> && !std::same_as<T, bool>) made.max = std::numeric_limits<T>::max();
  if constexpr (kind_of<T>() == FieldKind::devices) {
    made.member = [](void* object) -> void* { return &member_of<Pointer>(object); };
  } else {
    made.get = [](const void* object) { return encode(member_of<Pointer>(object)); };
  }
  if constexpr (kind_of<T>() != FieldKind::integer && kind_of<T>() != FieldKind::devices) {
    made.set = [](void* object, const Value& value) { decode(value, member_of<Pointer>(object)); };
  }
  return made;
}

/// A number, its unit and its range. The unit is a template argument because set() must know it.
enum class Unit : std::uint8_t { none, bytes, ms };
constexpr std::string_view unit_name(Unit unit) { return unit == Unit::bytes ? "bytes" : unit == Unit::ms ? "ms" : ""; }

template <auto Pointer, Unit In = Unit::none>
FieldBuilder number(std::string_view key, std::uint64_t lowest, std::uint64_t highest, std::string_view doc) {
  auto made = field<Pointer>(key, doc).range(lowest, highest).in(unit_name(In));
  made.set = [](void* object, const Value& value) {
    store_number(decode_number(value, unit_name(In)), member_of<Pointer>(object));
  };
  return made;
}

/// A number of MiB that is written as a text with its unit.
template <auto Pointer>
FieldBuilder size(std::string_view key, std::uint64_t lowest, std::uint64_t highest, std::string_view doc) {
  auto made = named(key, FieldKind::size, doc).range(lowest, highest).in("MiB");
  made.get = [](const void* object) { return Value{format_size_mib(member_of<Pointer>(object))}; };
  made.set = [](void* object, const Value& value) { store_number(decode_size_mib(value), member_of<Pointer>(object)); };
  return made;
}

/// A text of several lines.
template <auto Pointer>
FieldBuilder document(std::string_view key, std::string_view doc) {
  auto made = named(key, FieldKind::document, doc);
  made.get = [](const void* object) { return Value{member_of<Pointer>(object)}; };
  made.set = [](void* object, const Value& value) { member_of<Pointer>(object) = decode_document(value); };
  return made;
}

/// A host path, or a list of them.
template <auto Pointer>
FieldBuilder path(std::string_view key, std::string_view doc) {
  auto made = field<Pointer>(key, doc).admin();
  made.kind = made.kind == FieldKind::texts ? FieldKind::paths : FieldKind::path;
  return made;
}

template <auto Pointer>
FieldBuilder identifier(std::string_view key, std::string_view doc) {
  auto made = field<Pointer>(key, doc);
  made.kind = FieldKind::identifier;
  return made;
}

template <auto Pointer>
FieldBuilder section(std::string_view key, const Section& table) {
  auto made = named(key, FieldKind::section, table.doc);
  made.section = &table;
  made.member = [](void* object) -> void* { return &member_of<Pointer>(object); };
  return made;
}

template <auto Pointer>
FieldBuilder sections(std::string_view key, const Section& table, std::string_view doc) {
  auto made = named(key, FieldKind::sections, doc);
  made.section = &table;
  made.member = [](void* object) -> void* { return &member_of<Pointer>(object).emplace_back(); };
  made.item = [](const void* object, std::size_t index) -> const void* {
    const auto& items = member_of<Pointer>(object);
    return index < items.size() ? &items[index] : nullptr;
  };
  return made;
}

template <class Struct>
const void* defaults_of() {
  static const Struct defaults{};
  return &defaults;
}

template <class Struct>
Section make_section(std::string_view name, std::string_view doc, std::vector<Field> fields) {
  return {name, doc, std::move(fields), defaults_of<Struct>()};
}

}  // namespace visor::detail

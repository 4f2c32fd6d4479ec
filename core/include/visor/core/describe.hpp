// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/export.h"
#include "visor/core/value.hpp"
#include "visor/core/vm_config.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace visor {

/// How a field is written.
enum class FieldKind : std::uint8_t {
  boolean,
  integer,
  size,         ///< text with a unit: "512MiB", "2GiB"; the member is in MiB
  text,
  path,         ///< a host path
  choice,       ///< one of Field::choices
  texts,        ///< a list of texts
  paths,        ///< a list of host paths
  params,       ///< a list of "key=value" texts, or one text of them separated by blanks
  section,      ///< a map: Field::section
  sections,     ///< a list of maps: Field::section
  devices,      ///< a list of maps, each with a `type` that picks its section from device_sections()
  properties,   ///< a map of anything
};

/// Who may set a field: one that names host programs or folders should not come from an untrusted party.
enum class Trust : std::uint8_t { guest_owner, host_admin };

struct Section;

/// All there is to know about one field of a configuration struct; loader, schema, documentation, records and JSON are
/// driven by it.
struct Field {
  std::string_view key;
  FieldKind kind = FieldKind::text;
  std::string_view unit;              ///< of a number: "MiB", "bytes", "ms", or empty
  std::uint64_t min = 0;              ///< of an integer or a size
  std::uint64_t max = 0;
  std::vector<std::string_view> choices;
  Trust trust = Trust::guest_owner;
  std::string_view doc;
  const Section* section = nullptr;
  /// Reads the field from its struct, as a configuration file would write it.
  Value (*get)(const void* object) = nullptr;
  /// Writes it. Throws invalid_config saying what was expected; the caller adds where. Null for section kinds.
  void (*set)(void* object, const Value& value) = nullptr;
  /// For kind section: the nested struct within the object. For sections: appends an element and returns it.
  void* (*member)(void* object) = nullptr;
};

struct Section {
  std::string_view name;
  std::string_view doc;
  std::vector<Field> fields;
};

/// The table of the whole configuration, from its root.
VISOR_CORE_EXPORT const Section& vm_config_section();
/// One table per device type, by its `type` word.
VISOR_CORE_EXPORT const std::vector<Section>& device_sections();

/// One thing that is wrong with a configuration.
struct ConfigProblem {
  Mark mark;          ///< where, when the value came from a file
  std::string path;   ///< "memory.size", "devices[2].path"
  std::string text;   ///< what, and the nearest valid key where one was misspelt
};

/// Reads a configuration from plain data. All problems are collected: unknown and duplicate keys, wrong types, values
/// out of range. With any problem the result is not to be used.
VISOR_CORE_EXPORT VmConfig vm_config_from_value(const Value& value, std::vector<ConfigProblem>& problems);
/// The same, throwing invalid_config with all problems in the message.
VISOR_CORE_EXPORT VmConfig vm_config_from_value(const Value& value);
VISOR_CORE_EXPORT DeviceConfig device_config_from_value(const Value& value);

/// Plain data from a configuration: only the fields that differ from their default, in table order; with `all`, every
/// field. from_value(to_value(x)) == x.
VISOR_CORE_EXPORT Value to_value(const VmConfig& config, bool all = false);
VISOR_CORE_EXPORT Value to_value(const DeviceConfig& device, bool all = false);

/// "512MiB", "2GiB" and the like, in MiB. Units: KiB, MiB, GiB, TiB (1024) and their letters K, M, G, T. Throws
/// invalid_config for text without a unit, a fraction of a MiB, or overflow.
VISOR_CORE_EXPORT std::uint64_t parse_size_mib(std::string_view text);
VISOR_CORE_EXPORT std::string format_size_mib(std::uint64_t size_mib);
/// The same in bytes: "4KiB".
VISOR_CORE_EXPORT std::uint64_t parse_size_bytes(std::string_view text);
/// "500ms", "10s", "2m", "1h", in ms. Throws invalid_config.
VISOR_CORE_EXPORT std::uint64_t parse_duration_ms(std::string_view text);

}  // namespace visor

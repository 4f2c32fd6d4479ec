// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/export.h"
#include "visor/core/value.hpp"
#include "visor/core/vm_config.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace visor {

/// How a field is written. The empty text stands for "not set" in all kinds of text.
enum class FieldKind : std::uint8_t {
  boolean,
  integer,     ///< a number; where the unit is "bytes" or "ms" also a text with a unit: "4KiB", "500ms"
  size,        ///< text with a unit: "512MiB", "2GiB"; the member is in MiB
  text,        ///< without control characters
  document,    ///< a text of several lines, at most max_document bytes
  identifier,  ///< a device's name: [A-Za-z][A-Za-z0-9._-]*, at most max_identifier characters
  path,        ///< an absolute host path; in a file also one that is relative to the file's folder
  choice,      ///< one of Field::choices
  texts,       ///< a list of texts
  paths,       ///< a list of host paths
  params,      ///< a list of "key=value" texts, or one text of them separated by blanks
  section,     ///< a map: Field::section
  sections,    ///< a list of maps: Field::section
  devices,     ///< a list of maps, each with a `type` that picks its section from device_sections()
  properties,  ///< a map of anything
};

inline constexpr std::size_t max_document = std::size_t{64} << 10;
inline constexpr std::size_t max_identifier = 31;  ///< what QEMU's node names may have

/// Who may set a field: one that names host programs or folders should not come from an untrusted party.
enum class Trust : std::uint8_t { guest_owner, host_admin };

struct Section;

/// All there is to know about one field of a configuration struct; loader, schema, documentation, records and JSON are
/// driven by it.
struct Field {
  std::string_view key;
  FieldKind kind = FieldKind::text;
  std::string_view unit;  ///< of a number: "MiB", "bytes", "ms", a plural ("vCPUs"), or empty
  std::uint64_t min = 0;  ///< of an integer or a size
  std::uint64_t max = 0;
  std::vector<std::string_view> choices;
  Trust trust = Trust::guest_owner;
  bool required = false;  ///< must be given, and not be empty
  std::string_view doc;
  const Section* section = nullptr;
  /// Reads the field from its struct, as a configuration file would write it. Null for section kinds.
  Value (*get)(const void* object) = nullptr;
  /// Writes it. Throws invalid_config saying what was expected; the caller adds where. Null for section kinds.
  void (*set)(void* object, const Value& value) = nullptr;
  /// For section: the nested struct within the object. For sections: appends an element and returns it. For devices:
  /// the std::vector<DeviceConfig>.
  void* (*member)(void* object) = nullptr;
  /// For sections: the element of this number, or null behind the last.
  const void* (*item)(const void* object, std::size_t index) = nullptr;
};

struct Section {
  std::string_view name;
  std::string_view doc;
  std::vector<Field> fields;
  const void* defaults = nullptr;  ///< a struct of this section as it is when nothing is configured

  /// The field of this key; null when there is none.
  [[nodiscard]] VISOR_CORE_EXPORT const Field* find(std::string_view key) const noexcept;
};

/// The table of the whole configuration, from its root.
VISOR_CORE_EXPORT const Section& vm_config_section();
/// Whether a text is the path of a field of the configuration: "memory.size", "devices[2]".
VISOR_CORE_EXPORT bool is_config_field(std::string_view text);
/// One table per device type, by its `type` word.
VISOR_CORE_EXPORT const std::vector<Section>& device_sections();

/// One thing that is wrong with a configuration.
struct ConfigProblem {
  Mark mark;         ///< where, when the value came from a file: at the key
  std::string path;  ///< "memory.size", "devices[2].path"; of an unknown key its own
  std::string text;  ///< what, and the nearest valid key where one was misspelt
};

/// The problems as text, one a line: "<file>:<line>:<column>: <path>: <text>", without what is not known.
VISOR_CORE_EXPORT std::string problems_text(const std::vector<ConfigProblem>& problems, std::string_view file = {});

/// Reads a configuration from plain data. All problems are collected: unknown, duplicate and missing keys, wrong types,
/// values out of range, devices that contradict themselves. With any problem the result is not to be used. Whether the
/// whole makes sense is for normalised() and the plugin to say.
VISOR_CORE_EXPORT VmConfig vm_config_from_value(const Value& value, std::vector<ConfigProblem>& problems);
/// The same, throwing invalid_config with all problems in the message.
VISOR_CORE_EXPORT VmConfig vm_config_from_value(const Value& value);
VISOR_CORE_EXPORT DeviceConfig device_config_from_value(const Value& value);

/// Plain data from a configuration: only the fields that differ from their default, in table order; with `all`, every
/// field but the numbers and texts that stand for "not set". from_value(to_value(x)) == x when x passes check_fields().
VISOR_CORE_EXPORT Value to_value(const VmConfig& config, bool all = false);
VISOR_CORE_EXPORT Value to_value(const DeviceConfig& device, bool all = false);
/// The same without its devices.
VISOR_CORE_EXPORT Value settings_to_value(const VmConfig& config);

/// Holds every field that is not at its default against its table, and every device against the rules of its type: what
/// a file may not say, a program may not say either.
VISOR_CORE_EXPORT void check_fields(const VmConfig& config, std::vector<ConfigProblem>& problems);
/// The same for one device, throwing invalid_config with all problems in the message.
VISOR_CORE_EXPORT void check_fields(const DeviceConfig& device);

/// Whether this can be a name of a device, which is QEMU's rule as well: a letter, then letters, digits, '.', '_' and
/// '-'. How long it may be is another question: max_identifier.
VISOR_CORE_EXPORT bool is_identifier(std::string_view text) noexcept;

/// The candidate that a misspelt word was most likely meant to be; empty when none is near.
VISOR_CORE_EXPORT std::string_view nearest_word(std::string_view word, const std::vector<std::string_view>& candidates);

/// Puts the folder in front of every host path that is relative.
VISOR_CORE_EXPORT void resolve_paths(VmConfig& config, const std::string& folder);

/// "512MiB", "2GiB" and the like, in MiB. Units: KiB, MiB, GiB, TiB (1024) and their letters K, M, G, T. Throws
/// invalid_config for text without a unit, a fraction of a MiB, or overflow.
VISOR_CORE_EXPORT std::uint64_t parse_size_mib(std::string_view text);
VISOR_CORE_EXPORT std::string format_size_mib(std::uint64_t size_mib);
/// The same in bytes: "4KiB".
VISOR_CORE_EXPORT std::uint64_t parse_size_bytes(std::string_view text);
/// "500ms", "10s", "2m", "1h", in ms. Throws invalid_config.
VISOR_CORE_EXPORT std::uint64_t parse_duration_ms(std::string_view text);

}  // namespace visor

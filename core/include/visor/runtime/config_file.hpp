// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"
#include "visor/core/vm_config.hpp"
#include "visor/runtime/export.h"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

/// Configuration files: YAML or JSON, which YAML includes. docs/CONFIG.md lists all keys.
///
/// Words are read as YAML 1.2 does: only true and false are booleans, what is in quotes is text, 010 is ten. Anchors
/// and aliases work, merge keys and tags do not. A file is UTF-8, holds one document, and is bounded in size, depth and
/// in what its aliases expand to. JSON's escapes for characters beyond U+FFFF (two \u) are refused: write them as they
/// are.
namespace visor {

inline constexpr std::size_t max_config_bytes = std::size_t{1} << 20;
inline constexpr std::size_t max_config_depth = 32;

/// Where the values of a file stand, by path: "memory", "memory.size", "devices[2]", "devices[2].path"; at the key, of
/// an item at its beginning.
using ConfigMarks = std::map<std::string, Mark, std::less<>>;

/// Reads a file. Relative paths in it become absolute against the file's own folder.
///
/// Throws invalid_config with all problems, one a line: "<path>:<line>:<column>: <key>: <what>"; exhausted for a file
/// over max_config_bytes; not_found, permission_denied and io_error for a file that cannot be read. [file I/O]
/// Where its values stand is put to `marks` when that is given.
VISOR_RUNTIME_EXPORT VmConfig load_config(const std::filesystem::path& path, ConfigMarks* marks = nullptr);

/// The same from text. `name` stands for the file in messages; relative paths are joined with `folder`, and stay as
/// they are when it is empty.
VISOR_RUNTIME_EXPORT VmConfig load_config_text(std::string_view text, std::string_view name,
                                               const std::filesystem::path& folder = {}, ConfigMarks* marks = nullptr);

/// JSON Schema (draft 2020-12) of configuration files, made from the tables of describe.hpp. It says everything about
/// single keys but the bounds of sizes written with a unit, and nothing about how keys go together.
VISOR_RUNTIME_EXPORT std::string config_schema();

/// All keys with type, default, range and meaning, as Markdown, made from the same tables.
VISOR_RUNTIME_EXPORT std::string config_markdown();

}  // namespace visor

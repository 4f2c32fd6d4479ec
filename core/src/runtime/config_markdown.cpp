// SPDX-License-Identifier: Apache-2.0
#include "visor/core/describe.hpp"
#include "visor/core/json.hpp"
#include "visor/runtime/config_file.hpp"

namespace visor {
namespace {

constexpr std::string_view introduction = R"(# Configuration files

This page is generated from the tables in `core/src/core/section_*.cpp`; `VISOR_UPDATE_DOCS=1 ctest -R ConfigDocs`
writes it again, together with the JSON Schema beside it, `visorkit.schema.json`.

A file describes one virtual machine, in YAML or in JSON. `visor validate FILE` checks it; an error names the file, the
line, the column and the key, and for a misspelt key the nearest valid one. All errors of a file are shown at once.

```yaml
# yaml-language-server: $schema=visorkit.schema.json
hypervisor: qemu
arch: amd64
cpu: {count: 2}
memory: {size: 512MiB}
boot:
  kernel: vmlinuz
  initrd: initrd.img
  kernel_params: quiet loglevel=3
devices:
  - {type: disk, id: data, path: data.qcow2, format: qcow2}
```

- **Sizes** are texts with a unit: `512MiB`, `2GiB`; units are KiB, MiB, GiB and TiB (1024), or their first letters.
  Keys that end in `_bytes` take a number of bytes or such a text, keys that end in `_ms` a number of milliseconds or a
  duration: `500ms`, `10s`, `2m`, `1h`.
- **Paths** that are relative begin at the folder of the file.
- **Words** are read as YAML 1.2 does: only `true` and `false` are booleans, `yes` is a text, and so is what stands in
  quotes.
- **Parameters** are a list of `key=value` texts, or one text of them separated by blanks. A value with blanks stands in
  double quotes.
- **Bounds**: a file has at most 1 MiB, 32 levels and one document. Anchors and aliases work, tags and merge keys do
  not.
- Keys marked *admin* name programs, folders or devices of the host: do not take them from someone you do not trust.
)";

std::string bounds(const Field& field) {
  const auto shown = [&](std::uint64_t number) {
    return field.kind == FieldKind::size ? format_size_mib(number) : std::to_string(number);
  };
  return shown(field.min) + " to " + shown(field.max);
}

std::string type_text(const Field& field) {
  switch (field.kind) {
    case FieldKind::boolean:
      return "true, false";
    case FieldKind::integer:
      return bounds(field) +
             (field.unit == "bytes" || field.unit == "ms" ? " " + std::string{field.unit} : std::string{});
    case FieldKind::size:
      return "size, " + bounds(field);
    case FieldKind::text:
      return "text";
    case FieldKind::document:
      return "text of several lines, at most " + std::to_string(max_document / 1024) + " KiB";
    case FieldKind::identifier:
      return "name of at most " + std::to_string(max_identifier) + " characters";
    case FieldKind::path:
      return "path";
    case FieldKind::choice: {
      std::string words;
      for (const auto word : field.choices) words += (words.empty() ? "" : ", ") + std::string{word};
      return words;
    }
    case FieldKind::texts:
      return "list of texts";
    case FieldKind::paths:
      return "list of paths";
    case FieldKind::params:
      return "parameters";
    case FieldKind::section:
      return "[section](#" + std::string{field.section->name} + ")";
    case FieldKind::sections:
      return "list of [" + std::string{field.section->name} + "s](#" + std::string{field.section->name} + ")";
    case FieldKind::devices:
      return "list of [devices](#devices)";
    case FieldKind::properties:
      return "map of anything";
  }
  return {};
}

std::string default_text(const Section& table, const Field& field) {
  if (field.required) return "**required**";
  if (field.get == nullptr) return "";
  const auto value = field.get(table.defaults);
  if (value.is_string() && field.kind == FieldKind::size && parse_size_mib(value.as_string()) < field.min) return "";
  if (value.kind() == Value::Kind::integer && value.as_uint() < field.min) return "";
  if (value.is_string()) return value.as_string().empty() ? "" : "`" + value.as_string() + "`";
  if (value.is_null() || value.kind() == Value::Kind::list) return "";
  return "`" + to_json(value) + "`";
}

void append_table(std::string& text, const Section& table) {
  text += std::string{table.doc} + "\n\n| key | value | default | meaning |\n|---|---|---|---|\n";
  for (const auto& field : table.fields) {
    text += "| `" + std::string{field.key} + "` | " + type_text(field) + " | " + default_text(table, field) + " | " +
            std::string{field.doc} + (field.trust == Trust::host_admin ? " *admin*" : "") + " |\n";
  }
}

}  // namespace

std::string config_markdown() {
  std::string text{introduction};
  text += "\n## Top level\n\n";
  append_table(text, vm_config_section());
  for (const auto& field : vm_config_section().fields) {
    if (field.section == nullptr) continue;
    text += "\n## " + std::string{field.section->name} + "\n\n";
    append_table(text, *field.section);
  }
  text += "\n## Devices\n\nEach device is a map with its `type`, one of the following, and the keys of that type.\n";
  for (const auto& table : device_sections()) {
    text += "\n### " + std::string{table.name} + "\n\n";
    append_table(text, table);
  }
  return text;
}

}  // namespace visor

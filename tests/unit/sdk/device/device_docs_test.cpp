// SPDX-License-Identifier: Apache-2.0
// docs/DEVICES.md is what the tables say.
#include "visor/core/file.hpp"
#include "visor/sdk/device/describe.hpp"
#include "visor/sdk/device/devices.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace visor::sdk {
namespace {

constexpr std::string_view introduction = R"(# The device structs

Each struct of `visor/sdk/device/` has the fields below. The test `DeviceDocs.DevicesMdIsFromTheTables` holds this page
against the tables of the structs (`describe()`); `VISOR_UPDATE_DOCS=1` makes it write the page again.

- *QEMU*: the property or option that says the field; where there is none, other rows do, or the struct itself.
- *value*: a number with its range, a choice, or what the text is. Without `required` it may be left out.
- *where*: the transports and kinds that have it; empty: all. Elsewhere it is refused.
- *since*: the first QEMU that has it, of those that the SDK supports (7.2 and later). All are held against QEMU 7.2;
  later versions are not tried.

)";

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string_view type_word(FieldType type) {
  using enum FieldType;
  switch (type) {
    case boolean:
      return "true, false";
    case id:
      return "id";
    case reference:
      return "id of another";
    case bus:
      return "name of a bus";
    case path:
      return "absolute path";
    case socket_path:
      return "absolute path, 107 bytes";
    case fd:
      return "descriptor";
    case fds:
      return "descriptors";
    case mac:
      return "52:54:00:12:34:56";
    case pci_address:
      return "slot.function";
    case devno:
      return "fe.0.0004";
    case host_address:
      return "0000:01:00.0";
    case uuid:
      return "UUID";
    case options:
      return "key=value each";
    case computed:
      return "follows";
    case number:
    case text:
    case choice:
      break;
  }
  return "text";
}

std::string number_word(const DeviceField& field) {
  auto out = std::to_string(field.min) + " to " +
             (field.max >= std::numeric_limits<std::uint64_t>::max() - 1 ? "2^64-1" : std::to_string(field.max));
  if (field.storage == FieldStorage::integer) out = "descriptor";
  if (!field.unit.empty()) out += ' ' + std::string{field.unit};
  return field.power_of_two ? out + ", a power of two" : out;
}

std::string choice_word(const DeviceField& field) {
  std::vector<std::string> words;
  for (const auto word : field.choices) {
    const bool refused = std::ranges::any_of(field.refused_choices, [&](const auto& one) { return one.first == word; });
    words.push_back(std::string{word} + (refused ? " (refused)" : ""));
  }
  return listed(words);
}

std::string value_word(const DeviceField& field) {
  if (!field.refused.empty()) return "refused: " + std::string{field.refused};
  std::string out{type_word(field.type)};
  if (field.type == FieldType::number) out = number_word(field);
  if (field.type == FieldType::choice) out = choice_word(field);
  if (field.storage == FieldStorage::text && field.max != 0) out += ", at most " + std::to_string(field.max) + " bytes";
  return field.required ? out + ", required" : out;
}

std::string where_word(const DeviceTable& table, const DeviceField& field) {
  std::vector<std::string> words;
  if (field.transports == 0) return "nowhere: virtio alone has it";
  if (field.transports != on_all) {
    for (const auto& [bit, word] : {std::pair{on_pci, "pci"}, {on_ccw, "ccw"}, {on_mmio, "mmio"}}) {
      if ((field.transports & bit) != 0) words.emplace_back(word);
    }
  }
  if (field.variants == ~0U) return listed(words);
  for (std::size_t i = 0; i < table.variants.size(); ++i) {
    if ((field.variants >> i & 1U) != 0) words.emplace_back(table.variants[i].name);
  }
  return listed(words);
}

/// QEMU's types that the struct stands for.
std::string types_of(const DeviceTable& table) {
  using enum VirtioTransport;
  std::vector<std::string> words;
  for (const auto& variant : table.variants) {
    if (!variant.refused.empty()) {
      words.push_back("not " + std::string{variant.name} + " (" + std::string{variant.refused} + ")");
    } else if (!variant.type.empty() && table.virtio) {
      for (const auto transport : {pci, ccw, mmio}) {
        if ((variant.transports & transport_bit(transport)) != 0) {
          words.push_back('`' + virtio_driver(variant.type, transport) + '`');
        }
      }
    } else if (!variant.type.empty()) {
      words.push_back('`' + std::string{variant.type} + '`');
    }
  }
  return listed(words);
}

std::string section_of(const DeviceTable& table) {
  auto out = "## " + std::string{table.name} + "\n\n" + std::string{table.doc};
  if (!table.option.empty()) out += " Told by `" + std::string{table.option} + "`";
  const auto types = types_of(table);
  if (!types.empty()) out += (table.option.empty() ? " " : ": ") + types;
  if (!table.option.empty() || !types.empty()) out += '.';
  out += "\n\n| field | QEMU | value | where | since | what |\n|---|---|---|---|---|---|\n";
  for (const auto& field : table.fields) {
    if (field.transports == 0) continue;
    const auto quoted = [](std::string_view word) { return word.empty() ? "" : '`' + std::string{word} + '`'; };
    for (const auto& cell : {quoted(field.name), quoted(field.key), value_word(field), where_word(table, field),
                             std::string{field.since}, std::string{field.doc}}) {
      out += "| " + cell + (cell.empty() ? "" : " ");
    }
    out += "|\n";
  }
  return out + '\n';
}

TEST(DeviceDocs, DevicesMdIsFromTheTables) {
  std::string text{introduction};
  for (const auto* table : device_tables()) text += section_of(*table);
  text.pop_back();  // one newline at the end
  const auto path = std::filesystem::path{VISOR_DOCS_DIR} / "DEVICES.md";
  if (std::getenv("VISOR_UPDATE_DOCS") != nullptr) {  // NOLINT(concurrency-mt-unsafe): nothing sets variables here
    std::ofstream{path, std::ios::binary} << text;
  }
  EXPECT_TRUE(read_file(path) == text)
      << path << " is not what the tables say: run VISOR_UPDATE_DOCS=1 ctest -R DeviceDocs and commit it";
}

}  // namespace
}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#include "config_source.hpp"

#include "visor/core/describe.hpp"
#include "visor/core/error.hpp"
#include "visor/core/file.hpp"
#include "visor/core/json.hpp"
#include "visor/runtime/config_file.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <utility>

namespace visor::cli {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional{value} : std::nullopt;
}

/// The value that a configuration file would have for a field. What does not fit stays text: the field itself then says
/// what it expects.
Value typed(const Field* field, const std::string& text) {
  if (field == nullptr) return text;
  switch (field->kind) {
    case FieldKind::boolean:
      return text == "true" || text == "false" ? Value{text == "true"} : Value{text};
    case FieldKind::integer:
      if (const auto value = number(text)) return *value;
      return text;
    case FieldKind::texts:
    case FieldKind::paths:
      return text.starts_with('[') ? parse_json(text) : Value::list({text});
    case FieldKind::section:
    case FieldKind::sections:
    case FieldKind::devices:
    case FieldKind::properties:
      return parse_json(text);
    case FieldKind::params:
      return text.starts_with('[') ? parse_json(text) : Value{text};
    default:
      return text;
  }
}

bool is_list(FieldKind kind) {
  using enum FieldKind;
  return kind == texts || kind == paths || kind == sections || kind == devices || kind == params;
}

void assign(Value& target, const Section* section, std::string_view path, const std::string& text) {
  const auto dot = path.find('.');
  const auto key = path.substr(0, dot);
  const auto* field = section != nullptr ? section->find(key.substr(0, key.find('['))) : nullptr;
  if (field != nullptr && is_list(field->kind) && path != field->key) {
    throw Error(Errc::invalid_config,
                "'" + std::string{field->key} + R"(' is a list, which is set as a whole: devices=[{"type": "rng"}])");
  }
  if (dot == std::string_view::npos) {
    target.set(key, typed(field, text));
    return;
  }
  const auto* present = target.find(key);
  auto inner = present != nullptr ? *present : Value::map();
  assign(inner, field != nullptr ? field->section : nullptr, path.substr(dot + 1), text);
  target.set(key, std::move(inner));
}

/// Names the key alone: the value may be a secret, and errors are kept.
Error bad_assignment(std::string_view path, const std::string& why) {
  return Error(Errc::invalid_config, "--set " + std::string{path} + ": " + why);
}

}  // namespace

VmConfig with_override(const VmConfig& config, std::string_view assignment) {
  const auto equals = assignment.find('=');
  const auto path = assignment.substr(0, std::min(equals, assignment.size()));
  const bool has_empty_part = path.empty() || path.front() == '.' || path.back() == '.' || path.find("..") != path.npos;
  if (equals == std::string_view::npos || has_empty_part) {
    throw bad_assignment(path, "expected KEY=VALUE, as in memory.size=512MiB");
  }
  auto value = to_value(config);
  std::vector<ConfigProblem> problems;
  VmConfig changed;
  try {
    assign(value, &vm_config_section(), path, std::string{assignment.substr(equals + 1)});
    changed = vm_config_from_value(value, problems);
  } catch (const Error& error) {
    throw bad_assignment(path, error.message());
  }
  if (!problems.empty()) {
    const auto& problem = problems.front();
    const bool said = problem.path.empty() || problem.path == path;
    throw bad_assignment(path, (said ? "" : problem.path + ": ") + problem.text);
  }
  return changed;
}

DeviceConfig device_of_words(const std::string& type, const std::vector<std::string>& assignments) {
  const auto& sections = device_sections();
  const auto section = std::ranges::find(sections, type, &Section::name);
  if (section == sections.end()) {
    std::vector<std::string_view> names;
    for (const auto& known : sections) names.push_back(known.name);
    throw Error(Errc::invalid_config, "There is no device of type '" + type + "'" + suggestion(type, names));
  }
  auto value = Value::map({{"type", type}});
  for (const std::string_view assignment : assignments) {
    const auto equals = assignment.find('=');
    const auto key = assignment.substr(0, equals);
    if (equals == std::string_view::npos || key.empty()) {
      throw Error(Errc::invalid_config, "'" + std::string{key} + "': expected KEY=VALUE, as in path=disk.img");
    }
    try {
      assign(value, &*section, key, std::string{assignment.substr(equals + 1)});
    } catch (const Error& error) {
      throw Error(Errc::invalid_config, std::string{key} + ": " + error.message());
    }
  }
  VmConfig config;
  config.devices = {device_config_from_value(value)};
  resolve_paths(config, std::filesystem::current_path().string());
  return std::move(config.devices.front());
}

SourcedConfig read_config(const Args& args) {
  const auto& file = args.words.front();
  SourcedConfig read;
  auto& config = read.config;
  ConfigMarks marks;
  config = file == "-" ? load_config_text(read_file("/dev/stdin", max_config_bytes), "stdin",
                                          std::filesystem::current_path(), &marks)
                       : load_config(file, &marks);
  read.origins = {file == "-" ? "stdin" : file, std::move(marks)};
  if (const auto name = args.value("name")) {
    config.name = *name;
    read.origins.add_option("name", "--name " + *name);
  }
  for (const auto& assignment : args.values("set")) {
    config = with_override(config, assignment);
    const auto path = assignment.substr(0, assignment.find('='));
    read.origins.add_option(path, "--set " + path);
  }
  resolve_paths(config, std::filesystem::current_path().string());  // those of --set; the file's own are absolute
  return read;
}

}  // namespace visor::cli

// SPDX-License-Identifier: Apache-2.0
#include "describe_check.hpp"

#include "describe_codec.hpp"
#include "describe_sections.hpp"
#include "visor/core/error.hpp"

#include <algorithm>

namespace visor {
namespace detail {
namespace {

/// "4096 bytes", "512MiB", "5"
std::string amount(const Field& field, std::uint64_t number) {
  if (field.kind == FieldKind::size) return format_size_mib(number);
  const bool after = field.unit == "bytes" || field.unit == "ms";
  return std::to_string(number) + (after ? " " + std::string{field.unit} : "");
}

void check_range(const Field& field, std::uint64_t number) {
  if (number >= field.min && number <= field.max) return;
  const bool before = !field.unit.empty() && field.unit != "bytes" && field.unit != "ms" && field.unit != "MiB";
  throw Error(Errc::invalid_config,
              (before ? std::string{field.unit} + " must be at " : "Must be at ") +
                  (number < field.min ? "least " + amount(field, field.min) : "most " + amount(field, field.max)) +
                  ", found " + amount(field, number));
}

void check_identifier(const std::string& id) {
  if (id.size() > max_identifier) {
    throw Error(Errc::invalid_config, "A name has at most " + std::to_string(max_identifier) + " characters, '" + id +
                                          "' has " + std::to_string(id.size()));
  }
  if (!is_identifier(id)) {
    throw Error(Errc::invalid_config,
                "A name begins with a letter and has only letters, digits, '.', '_' and '-', found '" + id + "'");
  }
}

void check_absolute(const std::string& path) {
  if (path.empty() || path.front() == '/') return;
  throw Error(Errc::invalid_config, "Must be an absolute path, found '" + path + "'");
}

/// Walks a struct with its table and collects what is wrong.
class Checker {
 public:
  explicit Checker(std::vector<ConfigProblem>& problems) : problems_{problems} {}

  void section(const Section& table, const void* object, const std::string& path) {
    for (const auto& field : table.fields) {
      const auto here = joined_path(path, field.key);
      if (field.kind == FieldKind::section) {
        section(*field.section, field.member(const_cast<void*>(object)), here);  // NOLINT: only looked at
      } else if (field.kind == FieldKind::sections) {
        for (std::size_t i = 0; const void* item = field.item(object, i); ++i) {
          section(*field.section, item, indexed_path(here, i));
        }
      } else if (field.kind == FieldKind::devices) {
        const auto& list = *static_cast<std::vector<DeviceConfig>*>(field.member(const_cast<void*>(object)));  // NOLINT
        for (std::size_t i = 0; i < list.size(); ++i) device(list[i], indexed_path(here, i));
      } else {
        value(field, field.get(object), field.get(table.defaults), here);
      }
    }
  }

  void device(const DeviceConfig& one, const std::string& path) {
    const auto before = problems_.size();
    section(section_of(one), object_of(one), path);
    if (problems_.size() != before) return;
    for (auto& text : device_problems(one)) problems_.push_back({{}, path, std::move(text)});
  }

 private:
  void value(const Field& field, const Value& value, const Value& standard, const std::string& path) {
    try {
      if (is_missing(field, value)) throw Error(Errc::invalid_config, "Must be given: " + std::string{field.doc});
      if (value == standard) return;
      check_value(field, value);
      check_forms(field, value);
    } catch (const Error& error) {
      problems_.push_back({{}, path, error.message()});
    }
  }

  /// What only set() checks: it decodes the value once more.
  static void check_forms(const Field& field, const Value& value) {
    std::string text;
    std::vector<std::string> texts;
    Params params;
    Value properties;
    switch (field.kind) {
      case FieldKind::path:
        check_absolute(value.as_string());
        [[fallthrough]];
      case FieldKind::text:
      case FieldKind::identifier:
        return decode(value, text);
      case FieldKind::document:
        static_cast<void>(decode_document(value));
        return;
      case FieldKind::paths:
        for (const auto& item : value.as_list()) check_absolute(item.as_string());
        [[fallthrough]];
      case FieldKind::texts:
        return decode(value, texts);
      case FieldKind::params:
        return decode(value, params);
      case FieldKind::properties:
        return decode(value, properties);
      case FieldKind::choice:
        static_cast<void>(decode_choice(value, field.choices));
        return;
      default:
        return;
    }
  }

  std::vector<ConfigProblem>& problems_;
};

}  // namespace

void check_value(const Field& field, const Value& value) {
  if (field.kind == FieldKind::integer) check_range(field, decode_number(value, field.unit));
  if (field.kind == FieldKind::size) check_range(field, decode_size_mib(value));
  if (field.kind == FieldKind::identifier && value.is_string() && !value.as_string().empty()) {
    check_identifier(value.as_string());
  }
}

bool is_missing(const Field& field, const Value& value) {
  return field.required && (value.is_null() || (value.is_string() && value.as_string().empty()));
}

std::string joined_path(std::string_view parent, std::string_view key) {
  return parent.empty() ? std::string{key} : std::string{parent} + "." + std::string{key};
}

std::string indexed_path(std::string_view list, std::size_t index) {
  return std::string{list} + "[" + std::to_string(index) + "]";
}

}  // namespace detail

bool is_identifier(std::string_view text) noexcept {
  constexpr auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  constexpr auto other = [](char c) { return (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'; };
  return !text.empty() && letter(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return letter(c) || other(c); });
}

void check_fields(const VmConfig& config, std::vector<ConfigProblem>& problems) {
  detail::Checker{problems}.section(vm_config_section(), &config, {});
}

void check_fields(const DeviceConfig& device) {
  std::vector<ConfigProblem> problems;
  detail::Checker{problems}.device(device, {});
  if (!problems.empty()) throw Error(Errc::invalid_config, problems_text(problems));
}

std::string problems_text(const std::vector<ConfigProblem>& problems, std::string_view file) {
  std::string text;
  for (const auto& problem : problems) {
    if (!text.empty()) text += '\n';
    if (!file.empty()) text += std::string{file} + ":";
    if (problem.mark.line != 0) {
      text += std::to_string(problem.mark.line) + ":" + std::to_string(problem.mark.column) + ":";
    }
    if (!text.empty() && text.back() == ':') text += ' ';
    text += problem.path + (problem.path.empty() ? "" : ": ") + problem.text;
  }
  return text;
}

}  // namespace visor

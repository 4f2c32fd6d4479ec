// SPDX-License-Identifier: Apache-2.0
// What a table can find wrong with a struct: fields that its transport or its variant lacks, what is refused, what is
// missing, and values that QEMU could not read.
#include "device_error.hpp"
#include "fields.hpp"
#include "table.hpp"
#include "visor/core/problems.hpp"

#include <algorithm>

namespace visor::sdk {
namespace {

constexpr const char* transport_names[] = {"pci", "ccw", "mmio"};

struct Problem {
  Errc code = Errc::invalid_config;
  std::string text;  // empty: there is none
};

std::string list_of(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    out += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  }
  return out;
}

std::string where_it_is(std::uint8_t transports) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < 3; ++i) {
    if ((transports >> i & 1U) != 0) names.emplace_back(transport_names[i]);
  }
  return names.empty() ? "virtio devices" : list_of(names);
}

/// A bus is there on ccw too, but QEMU finds places there by devno: that is said after everything else.
bool lacks(const DeviceField& field, VirtioTransport transport) {
  return (field.transports & transport_bit(transport)) == 0;
}

Problem availability(const DeviceTable& table, const DeviceField& field, const void* device) {
  if (!is_changed(table, field, device)) return {};
  const auto variant = variant_of(table, device);
  if ((field.variants >> variant & 1U) == 0) {
    return {Errc::invalid_config, "is not there for " + std::string{table.variants.at(variant).name}};
  }
  if (!field.refused.empty()) return {Errc::unsupported, "is not supported: " + std::string{field.refused}};
  if (field.type != FieldType::bus && lacks(field, transport_of(table, device))) {
    return {Errc::invalid_config, "is only there on " + where_it_is(field.transports)};
  }
  return {};
}

bool is_empty(const Value& value) {
  if (value.is_null()) return true;
  if (value.is_string()) return value.as_string().empty();
  if (value.is_list()) return value.as_list().empty();
  return value.kind() == Value::Kind::integer && value == Value{0};
}

Problem choice_problem(const DeviceField& field, const Value& value) {
  if (field.type != FieldType::choice || !value.is_string()) return {};
  for (const auto& [word, reason] : field.refused_choices) {
    if (word == value.as_string()) {
      return {Errc::unsupported, std::string{word} + " is not supported: " + std::string{reason}};
    }
  }
  return {};
}

Problem bus_problem(const DeviceField& field, VirtioTransport transport) {
  if (field.type != FieldType::bus || !lacks(field, transport)) return {};
  return {Errc::invalid_config,
          std::string{"is not there on "} + transport_names[static_cast<std::size_t>(transport)] + ", use devno"};
}

Problem value_problem(const DeviceTable& table, const DeviceField& field, const void* device) {
  const bool there = (field.variants >> variant_of(table, device) & 1U) != 0;
  const bool changed = is_changed(table, field, device);
  if (field.member == nullptr || !there || !(changed || field.required || field.always)) return {};
  if (changed) {
    if (auto problem = bus_problem(field, transport_of(table, device)); !problem.text.empty()) return problem;
  }
  const auto value = read_field(field, device);
  if (auto problem = choice_problem(field, value); !problem.text.empty()) return problem;
  // An empty text is not said, and a number that stands for "not set" is as it was by default.
  const bool zero_is_wrong = changed && field.min > 0;
  if (is_empty(value) && !field.required && !zero_is_wrong) return {};
  return {Errc::invalid_config, syntax_problem(field, value)};
}

Problem variant_problem(const DeviceTable& table, const void* device) {
  if (table.variants.empty()) return {};
  const auto index = variant_of(table, device);
  if (index >= table.variants.size()) return {Errc::invalid_config, "has no such kind"};
  const auto& variant = table.variants[index];
  if (!variant.refused.empty()) {
    return {Errc::unsupported, std::string{variant.name} + " is not supported: " + std::string{variant.refused}};
  }
  if (table.transport != nullptr && (variant.transports & transport_bit(table.transport(device))) == 0) {
    return {Errc::invalid_config, std::string{variant.type} + " is only there on " + where_it_is(variant.transports)};
  }
  return {};
}

std::vector<FieldProblem> problems_of(const DeviceTable& table, const void* device) {
  if (auto problem = variant_problem(table, device); !problem.text.empty()) {
    return {{problem.code, "", std::move(problem.text)}};
  }
  std::vector<FieldProblem> problems;
  std::vector<bool> unavailable;
  unavailable.reserve(table.fields.size());
  for (const auto& field : table.fields) {
    auto problem = availability(table, field, device);
    unavailable.push_back(!problem.text.empty());
    if (unavailable.back()) problems.push_back({problem.code, field.name, std::move(problem.text)});
  }
  for (std::size_t i = 0; i < table.fields.size(); ++i) {
    if (unavailable[i]) continue;
    auto problem = value_problem(table, table.fields[i], device);
    if (!problem.text.empty()) problems.push_back({problem.code, table.fields[i].name, std::move(problem.text)});
  }
  return problems;
}

std::string sentence(const std::string& name, const FieldProblem& problem) {
  return name + ": " + std::string{problem.field} + (problem.field.empty() ? "" : " ") + problem.text;
}

}  // namespace

std::string words_of(const DeviceField& field) {
  std::vector<std::string> words;
  for (const auto word : field.choices) {
    const auto refused = [&](const auto& entry) { return entry.first == word; };
    if (std::ranges::none_of(field.refused_choices, refused)) words.emplace_back(word);
  }
  return list_of(words);
}

std::string name_of(const DeviceTable& table, const void* device) {
  const auto* const id = table.find("id");
  const std::string what{table.what};
  return id == nullptr ? what : what + " '" + read_field(*id, device).as_string() + '\'';
}

void refuse_device(const DeviceTable& table, const void* device, const std::string& why) {
  FieldProblem problem{.text = why};
  if (const auto* const field = table.find(why.substr(0, why.find(' '))); field != nullptr && !field->name.empty()) {
    problem.field = field->name;
    problem.text.erase(0, field->name.size() + 1);
  }
  throw DeviceError({problem.code, sentence(name_of(table, device), problem)}, {problem});
}

void check_fields(std::initializer_list<TableAndDevice> parts) {
  std::vector<FieldProblem> found;
  Problems all;
  for (const auto& [table, device] : parts) {
    for (auto& problem : problems_of(*table, device)) {
      all.add(problem.code, sentence(name_of(*table, device), problem));
      found.push_back(std::move(problem));
    }
  }
  if (!found.empty()) throw DeviceError(all.error(), std::move(found));
}

void check_fields(const DeviceTable& table, const void* device) { check_fields({{&table, device}}); }

std::vector<std::string> field_problems(const DeviceTable& table, const void* device) {
  std::vector<std::string> problems;
  for (const auto& problem : problems_of(table, device)) {
    problems.push_back(sentence(name_of(table, device), problem));
  }
  return problems;
}

}  // namespace visor::sdk

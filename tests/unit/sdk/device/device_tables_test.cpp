// SPDX-License-Identifier: Apache-2.0
// Every field of every device struct, right and wrong, for each variant on each transport.
#include "device_case.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <set>

namespace visor::sdk {

void PrintTo(const DeviceCase& device, std::ostream* out);
void PrintTo(const DeviceCase& device, std::ostream* out) { *out << device.kit.table->name; }

namespace {

using Names = std::vector<std::string_view>;
bool has(const Names& names, std::string_view name) { return std::ranges::find(names, name) != names.end(); }

/// A struct of a variant on a transport.
struct Subject {
  const DeviceCase& device;
  std::size_t variant = 0;
  VirtioTransport transport = VirtioTransport::pci;
  std::shared_ptr<void> object = nullptr;

  [[nodiscard]] const DeviceTable& table() const { return *device.kit.table; }
  [[nodiscard]] const FieldCase& find(std::string_view name) const {
    const auto found = std::ranges::find(device.fields, name, &FieldCase::field);
    if (found == device.fields.end()) throw Error(Errc::internal, "No case for " + std::string{name});
    return *found;
  }
  [[nodiscard]] bool has_variant(const DeviceField& field) const { return (field.variants >> variant & 1U) != 0; }
  void set(std::string_view name, const Value& value) const { write_field(*table().find(name), object.get(), value); }

  /// Makes it anew, with its base.
  void begin(const FieldCase* field = nullptr) {
    object = device.kit.make(variant);
    if (device.kit.set_transport != nullptr) device.kit.set_transport(object.get(), transport);
    auto wanted = device.base;
    if (field != nullptr) {
      std::erase_if(wanted, [&](auto name) { return has(field->without, name); });
      wanted.insert(wanted.end(), field->with.begin(), field->with.end());
    }
    for (const auto name : wanted) {
      if (has_variant(*table().find(name))) set(name, find(name).good);
    }
  }
  [[nodiscard]] std::string problem(Errc code = Errc::invalid_config) const {
    try {
      device.kit.validate(object.get());
    } catch (const Error& error) {
      EXPECT_EQ(to_string(error.code()), to_string(code)) << error.message();
      return error.message();
    }
    return {};
  }
};

/// Whether the arguments have this as a whole.
bool says(const std::string& line, std::string_view what) {
  for (auto at = line.find(what); at != std::string::npos; at = line.find(what, at + 1)) {
    const auto end = at + what.size();
    const bool begins = line[at - 1] == ' ' || line[at - 1] == ',';
    if (begins && (end == line.size() || line[end] == ' ' || line[end] == ',')) return true;
  }
  return false;
}

std::vector<Value> wrong_texts(const DeviceField& field) {
  const std::string nul("/a\0b", 4);
  std::vector<Value> wrong{nul, "/a\nb"};
  const auto add = [&](std::initializer_list<Value> more) { wrong.insert(wrong.end(), more); };
  using enum FieldType;
  if (field.type == id || field.type == reference) add({"0x", "a b", "a,b", "-a", "\xc3\xa4"});
  if (field.type == bus) add({"a,b", "a b"});
  if (field.type == path || field.type == socket_path) add({"x", "nbd:h:1", "json:{}", "/" + std::string(4095, 'a')});
  if (field.type == socket_path) add({"/" + std::string(107, 'a')});
  if (field.type == fd) add({"a:b", "-1", "3,x=y"});
  if (field.type == choice) add({"nosuch"});
  if (field.type == mac || field.type == pci_address || field.type == devno || field.type == host_address ||
      field.type == uuid) {
    add({"zz", "0,x=y"});
  }
  if (field.max != 0) add({std::string(field.max + 1, 'a')});
  if (field.required) add({""});
  return wrong;
}

std::vector<Value> wrong_numbers(const DeviceField& field) {
  std::vector<Value> wrong;
  const auto most = field.storage == FieldStorage::number16   ? 0xffffU
                    : field.storage == FieldStorage::number32 ? 0xffffffffU
                                                              : ~0ULL;
  if (field.max < most) wrong.emplace_back(field.max + 1);
  const bool zero_is_unset = !field.optional && !field.required && !field.always;
  if (field.min > 1 || (field.min == 1 && !zero_is_unset)) wrong.emplace_back(field.min - 1);
  if (field.power_of_two) wrong.emplace_back(field.min * 3);
  return wrong;
}

/// Values that the table tells to be wrong.
std::vector<Value> wrong_values(const DeviceField& field) {
  if (field.storage == FieldStorage::text) return wrong_texts(field);
  if (field.storage == FieldStorage::integer) return {Value{-1}};
  if (field.type == FieldType::number) return wrong_numbers(field);
  if (field.type == FieldType::fds) return {Value::list({"a:b"}), Value::list({""}), Value::list({"3,x=y"})};
  if (field.type == FieldType::options) return {Value::list({"a"}), Value::list({"=b"}), Value::list({"a\nb=c"})};
  return {};
}

/// A field that this variant or transport lacks: its name is in the refusal.
void expect_lacking(const Subject& subject, const DeviceField& field, const FieldCase& one) {
  subject.set(one.field, one.good);
  const auto& table = subject.table();
  if (table.variant != nullptr && table.variant(subject.object.get()) != subject.variant) return;
  EXPECT_NE(subject.problem().find(": " + std::string{field.name} + " is "), std::string::npos) << subject.problem();
}

void expect_wrong(Subject& subject, const FieldCase& one, const Value& value, bool named) {
  subject.begin(&one);
  subject.set(one.field, value);
  const auto message = subject.problem();
  EXPECT_NE(message, "") << to_json(value);
  EXPECT_TRUE(!named || message.find(": " + std::string{one.field} + ' ') != std::string::npos) << message;
}

void expect_field(Subject& subject, const FieldCase& one) {
  const auto& field = *subject.table().find(one.field);
  subject.begin(&one);
  if (!field.refused.empty() && subject.has_variant(field)) {
    subject.set(one.field, one.good);
    EXPECT_NE(subject.problem(Errc::unsupported).find(field.refused), std::string::npos);
    return;
  }
  const bool there = (field.transports & transport_bit(subject.transport)) != 0;
  if (!subject.has_variant(field) || !there) return expect_lacking(subject, field, one);
  subject.set(one.field, one.good);
  EXPECT_EQ(subject.problem(), "");
  EXPECT_EQ(read_field(field, subject.object.get()), one.good);
  const auto line = subject.device.kit.render(subject.object.get());
  EXPECT_TRUE(one.expect.empty() || says(line, one.expect)) << line << "\nlacks: " << one.expect;
  for (const auto& value : wrong_values(field)) expect_wrong(subject, one, value, true);
  for (const auto& value : one.bad) expect_wrong(subject, one, value, false);
  for (const auto& [word, reason] : field.refused_choices) {
    subject.begin(&one);
    subject.set(one.field, Value{word});
    EXPECT_NE(subject.problem(Errc::unsupported).find(reason), std::string::npos);
  }
}

class DeviceFields : public ::testing::TestWithParam<DeviceCase> {};

INSTANTIATE_TEST_SUITE_P(, DeviceFields, ::testing::ValuesIn(device_cases()),
                         [](const auto& made) { return std::string{made.param.kit.table->name}; });

/// Those that it can be on: one where it cannot choose.
std::vector<VirtioTransport> transports_of(const DeviceCase& device, std::size_t variant) {
  using enum VirtioTransport;
  if (device.kit.set_transport != nullptr) return {pci, ccw, mmio};
  const auto& variants = device.kit.table->variants;
  return {variants.empty() || (variants[variant].transports & on_pci) != 0 ? pci : ccw};
}

/// Whether the table refuses the variant itself, or where it is.
bool is_refused(const Subject& subject) {
  const auto& variants = subject.table().variants;
  if (variants.empty()) return false;
  const auto& variant = variants[subject.variant];
  if (!variant.refused.empty()) {
    EXPECT_NE(subject.problem(Errc::unsupported).find(variant.refused), std::string::npos);
    return true;
  }
  if ((variant.transports & transport_bit(subject.transport)) != 0) return false;
  EXPECT_NE(subject.problem(), "");
  return true;
}

TEST_P(DeviceFields, RightAndWrong) {
  const auto& device = GetParam();
  const auto variants = std::max<std::size_t>(device.kit.table->variants.size(), 1);
  for (std::size_t variant = 0; variant < variants; ++variant) {
    for (const auto transport : transports_of(device, variant)) {
      SCOPED_TRACE("variant " + std::to_string(variant) + ", transport " +
                   std::to_string(static_cast<unsigned>(transport)));
      Subject subject{device, variant, transport};
      subject.begin();
      if (is_refused(subject)) continue;
      ASSERT_EQ(subject.problem(), "");
      for (const auto& one : device.fields) {
        SCOPED_TRACE(std::string{one.field});
        expect_field(subject, one);
      }
    }
  }
}

TEST_P(DeviceFields, EachHasACase) {
  const auto& device = GetParam();
  std::vector<std::string> named, there;
  for (const auto& one : device.fields) named.emplace_back(one.field);
  for (const auto& field : device.kit.table->fields) {
    if (field.member != nullptr) there.emplace_back(field.name);
  }
  std::ranges::sort(named);
  std::ranges::sort(there);
  EXPECT_EQ(named, there);
}

TEST_P(DeviceFields, AllProblemsAreListed) {
  const auto& device = GetParam();
  const auto& table = *device.kit.table;
  auto object = device.kit.make(0);
  std::size_t wrong = 0;
  for (const auto& field : table.fields) {
    if (field.storage != FieldStorage::text || field.variants != ~0U || field.type == FieldType::id) continue;
    if ((field.transports & on_pci) == 0) continue;
    write_field(field, object.get(), "a\nb");
    ++wrong;
  }
  EXPECT_GE(field_problems(table, object.get()).size(), wrong);
}

TEST(DeviceTables, EachHasCases) {
  std::vector<std::string> named, there;
  for (const auto& device : device_cases()) named.emplace_back(device.kit.table->name);
  for (const auto* table : device_tables()) there.emplace_back(table->name);
  std::ranges::sort(named);
  std::ranges::sort(there);
  EXPECT_EQ(named, there);
}

TEST(DeviceTables, NamesAreUniqueAndFieldsAreExplained) {
  for (const auto* table : device_tables()) {
    SCOPED_TRACE(std::string{table->name});
    EXPECT_EQ(table->doc.back(), '.');
    std::set<std::string_view> names, keys;
    for (const auto& field : table->fields) {
      SCOPED_TRACE(std::string{field.name} + ' ' + std::string{field.key});
      EXPECT_TRUE(field.name.empty() || names.insert(field.name).second);
      EXPECT_TRUE(field.key.empty() || keys.insert(field.key).second);
      EXPECT_EQ(field.doc.find_first_of("|\n"), std::string_view::npos);
      EXPECT_EQ(field.doc.back(), '.');
      EXPECT_EQ(field.member == nullptr, field.type == FieldType::computed);
      EXPECT_EQ(field.compute != nullptr, field.type == FieldType::computed);
      EXPECT_EQ(field.type == FieldType::choice, !field.choices.empty());
      EXPECT_TRUE(field.type != FieldType::number || field.storage == FieldStorage::integer || field.min < field.max);
    }
  }
}

TEST(DeviceTables, WhatQemuCanNameHasAnId) {
  for (const auto* table : device_tables()) {
    const bool named = table->kind == DeviceOption::device || table->kind == DeviceOption::object ||
                       table->kind == DeviceOption::netdev || table->kind == DeviceOption::chardev;
    EXPECT_TRUE(!named || table->find("id") != nullptr || table->name == "SerialConsole") << table->name;
  }
}

}  // namespace
}  // namespace visor::sdk

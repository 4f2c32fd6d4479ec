// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/commands/schema.hpp"

#include "qmp/answer.hpp"

#include <algorithm>
#include <utility>

namespace visor::sdk::qmp {
namespace {

std::vector<std::string> texts(const Answer& entry, std::string_view key) {
  std::vector<std::string> out;
  entry.each(key, [&](const Answer& item) { out.push_back(item.text()); });
  return out;
}

SchemaMember member_of(const Answer& member) {
  return {.name = member.find_text("name").value_or(""),
          .type = member.find_text("type").value_or(""),  // a member of an enum has none
          .optional = member.has("default"),
          .features = texts(member, "features")};
}

SchemaInfo entry_of(const Answer& entry) {
  SchemaInfo info{.name = entry.text("name"), .meta_type = entry.text("meta-type")};
  info.json_type = entry.find_text("json-type").value_or("");
  info.argument_type = entry.find_text("arg-type").value_or("");
  info.element_type = entry.find_text("element-type").value_or("");
  info.tag = entry.find_text("tag").value_or("");
  info.features = texts(entry, "features");
  info.values = texts(entry, "values");
  if (info.meta_type == "enum") {
    // Since 6.2 `members` says the same as `values`, which may go one day.
    if (info.values.empty()) entry.each("members", [&](const Answer& it) { info.values.push_back(it.text("name")); });
    return info;
  }
  entry.each("members", [&](const Answer& member) { info.members.push_back(member_of(member)); });
  entry.each("variants",
             [&](const Answer& variant) { info.variants.push_back({variant.text("case"), variant.text("type")}); });
  return info;
}

bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

Schema::Schema(const Value& answer) {
  Answer{"query-qmp-schema", answer}.each([this](const Answer& entry) { entries_.push_back(entry_of(entry)); });
  std::sort(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
}

const SchemaInfo* Schema::find(std::string_view name) const noexcept {
  const auto at =
      std::lower_bound(entries_.begin(), entries_.end(), name,
                       [](const SchemaInfo& entry, std::string_view wanted) { return entry.name < wanted; });
  return at != entries_.end() && at->name == name ? &*at : nullptr;
}

bool Schema::has_command(std::string_view name) const noexcept {
  const auto* const entry = find(name);
  return entry && entry->meta_type == "command";
}

bool Schema::has_event(std::string_view name) const noexcept {
  const auto* const entry = find(name);
  return entry && entry->meta_type == "event";
}

bool Schema::has_feature(std::string_view name, std::string_view feature) const noexcept {
  const auto* const entry = find(name);
  return entry && contains(entry->features, feature);
}

bool Schema::has_enum_member(std::string_view command, std::string_view path, std::string_view word) const {
  const auto* const type = argument(command, path);
  return type && contains(type->values, word);
}

Schema query_qmp_schema(Client& client, const CallContext& call) {
  return Schema{client.execute("query-qmp-schema", call)};
}

std::vector<ObjectProperty> device_list_properties(Client& client, const std::string& type, const CallContext& call) {
  const auto read = [](const Answer& answer) {
    std::vector<ObjectProperty> out;
    answer.each([&](const Answer& property) {
      const auto* const fallback = property.value().find("default-value");
      out.push_back({property.text("name"), property.text("type"), property.find_text("description").value_or(""),
                     fallback ? *fallback : Value{}});
    });
    return out;
  };
  return ask(client, "device-list-properties", Value::map({{"typename", type}}), call, read);
}

std::vector<ObjectType> qom_list_types(Client& client, const std::optional<std::string>& implements, bool abstract,
                                       const CallContext& call) {
  auto arguments = Value::map({{"abstract", abstract}});
  if (implements) arguments.set("implements", *implements);
  return ask(client, "qom-list-types", std::move(arguments), call, [](const Answer& answer) {
    std::vector<ObjectType> out;
    answer.each([&](const Answer& type) {
      out.push_back(
          {type.text("name"), type.find_text("parent").value_or(""), type.find_boolean("abstract").value_or(false)});
    });
    return out;
  });
}

}  // namespace visor::sdk::qmp

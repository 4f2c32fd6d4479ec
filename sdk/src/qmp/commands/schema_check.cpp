// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/commands/schema.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace visor::sdk::qmp {
namespace {

using Kind = Value::Kind;

/// How deep variants have variants, and arguments nest. A schema comes from a peer: types that contain themselves
/// exhaust neither the stack nor the time.
constexpr std::size_t max_variants = 4;
constexpr std::size_t max_depth = 64;

bool json_type_takes(std::string_view json_type, Kind kind) {
  struct Pair {
    std::string_view json_type;
    Kind kind;
  };
  static constexpr std::array<Pair, 8> pairs = {{{"string", Kind::string},
                                                 {"int", Kind::integer},
                                                 {"number", Kind::integer},
                                                 {"number", Kind::number},
                                                 {"boolean", Kind::boolean},
                                                 {"null", Kind::null},
                                                 {"object", Kind::map},
                                                 {"array", Kind::list}}};
  return json_type == "value" || std::any_of(pairs.begin(), pairs.end(), [&](const Pair& pair) {
           return pair.json_type == json_type && pair.kind == kind;
         });
}

/// Holds one command against a schema.
class Checker {
 public:
  Checker(const Schema& schema, std::string command) : schema_{schema}, command_{std::move(command)} {}

  /// `open`: members beside those that are known are in order.
  void object(const SchemaInfo& type, const Value& value, const std::string& place, bool open, std::size_t depth) {
    if (!value.is_map()) return wrong(place, "is " + std::string{to_string(value.kind())} + ", not an object");
    std::vector<const SchemaMember*> members;
    collect(type, value, members, 0);
    for (const auto* const member : members) {
      const auto where = place.empty() ? member->name : place + '.' + member->name;
      if (const auto* const given = value.find(member->name)) {
        any(member->type, *given, where, depth + 1);
      } else if (!member->optional) {
        wrong(where, "is missing");
      }
    }
    if (open) return;
    for (const auto& [key, ignored] : value.as_map()) {
      const auto known = [&wanted = key](const SchemaMember* member) { return member->name == wanted; };
      if (std::any_of(members.begin(), members.end(), known)) continue;
      wrong(place.empty() ? key : place + '.' + key, "is unknown");
    }
  }

  std::vector<std::string> take() { return std::move(problems_); }
  void wrong(const std::string& place, const std::string& what) {
    problems_.push_back(command_ + ": " + (place.empty() ? "arguments" : place) + ' ' + what);
  }

 private:
  /// The members that an object has, those of the chosen variant included.
  void collect(const SchemaInfo& type, const Value& value, std::vector<const SchemaMember*>& members,
               std::size_t depth) {
    for (const auto& member : type.members) members.push_back(&member);
    const auto* const tag = type.tag.empty() ? nullptr : value.find(type.tag);
    if (!tag || !tag->is_string() || depth == max_variants) return;
    for (const auto& variant : type.variants) {
      const auto* const chosen = variant.value == tag->as_string() ? schema_.find(variant.type) : nullptr;
      if (chosen) collect(*chosen, value, members, depth + 1);
    }
  }

  void any(std::string_view type_name, const Value& value, const std::string& place, std::size_t depth) {
    const auto* const type = schema_.find(type_name);
    if (!type || depth > max_depth) return wrong(place, type ? "is nested too deep" : "has a type without an entry");
    if (type->meta_type == "object") return object(*type, value, place, false, depth);
    if (!takes(*type, value)) {
      return wrong(place, "is " + std::string{to_string(value.kind())} + ", not " + name_of(*type));
    }
    if (type->meta_type == "enum" &&
        std::find(type->values.begin(), type->values.end(), value.as_string()) == type->values.end()) {
      wrong(place, "does not take '" + value.as_string() + "'");
    }
    if (type->meta_type == "array") {
      std::size_t index = 0;
      for (const auto& item : value.as_list()) {
        any(type->element_type, item, place + '[' + std::to_string(index++) + ']', depth + 1);
      }
    }
    if (type->meta_type == "alternate") any(branch(*type, value)->type, value, place, depth + 1);
  }

  [[nodiscard]] bool takes(const SchemaInfo& type, const Value& value) const {
    if (type.meta_type == "object") return value.is_map();
    if (type.meta_type == "array") return value.is_list();
    if (type.meta_type == "enum") return value.is_string();
    if (type.meta_type == "alternate") return branch(type, value) != nullptr;
    return json_type_takes(type.json_type, value.kind());
  }

  /// Which of an alternate's types takes the value; none of them is an alternate itself.
  [[nodiscard]] const SchemaMember* branch(const SchemaInfo& alternate, const Value& value) const {
    for (const auto& member : alternate.members) {
      const auto* const type = schema_.find(member.type);
      if (type && type->meta_type != "alternate" && takes(*type, value)) return &member;
    }
    return nullptr;
  }

  static std::string name_of(const SchemaInfo& type) {
    if (type.meta_type == "builtin") return type.json_type == "int" ? "an integer" : "a " + type.json_type;
    if (type.meta_type == "array") return "a list";
    return type.meta_type == "enum" ? "one of its words" : "any of its kinds";
  }

  const Schema& schema_;
  std::string command_;
  std::vector<std::string> problems_;
};

/// The type of a member, looked for in an object, its variants and the items of a list.
const SchemaInfo* member_type(const Schema& schema, const SchemaInfo& type, std::string_view name, std::size_t depth) {
  if (depth > max_variants) return nullptr;
  for (const auto& member : type.members) {
    if (type.meta_type == "object" && member.name == name) return schema.find(member.type);
    if (type.meta_type != "alternate") continue;
    const auto* const branch = schema.find(member.type);
    const auto* const found = branch ? member_type(schema, *branch, name, depth + 1) : nullptr;
    if (found) return found;
  }
  for (const auto& variant : type.variants) {
    const auto* const branch = schema.find(variant.type);
    const auto* const found = branch ? member_type(schema, *branch, name, depth + 1) : nullptr;
    if (found) return found;
  }
  const auto* const element = type.element_type.empty() ? nullptr : schema.find(type.element_type);
  return element ? member_type(schema, *element, name, depth + 1) : nullptr;
}

/// Through lists to what they are lists of.
const SchemaInfo* item_type(const Schema& schema, const SchemaInfo* type) {
  for (std::size_t depth = 0; type && type->meta_type == "array" && depth < max_depth; ++depth) {
    type = schema.find(type->element_type);
  }
  return type;
}

/// Whether a property of this type takes a value in JSON. (qemu: qom/object.c, hw/core/qdev-properties.c)
bool property_takes(const ObjectProperty& property, const Value& value) {
  const auto starts = [&](std::string_view with) { return property.type.rfind(with, 0) == 0; };
  if (property.type == "bool") return value.kind() == Kind::boolean;
  if (starts("uint") || starts("int") || property.type == "size") {
    // A place on the PCI bus is stated as a number, and may be written as text.
    const bool slot = property.name == "addr" && property.type == "int32";
    return value.kind() == Kind::integer || (slot && value.is_string());
  }
  if (property.type == "strList") return value.is_list();
  return value.is_string();  // text, links to other objects by their id, and words of enumerations
}

}  // namespace

const SchemaInfo* Schema::argument(std::string_view command, std::string_view path) const {
  const auto* const entry = find(command);
  const auto* type = entry && !entry->argument_type.empty() ? find(entry->argument_type) : nullptr;
  while (type && !path.empty()) {
    const auto dot = path.find('.');
    type = member_type(*this, *type, path.substr(0, dot), 0);
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  }
  return item_type(*this, type);
}

std::vector<std::string> Schema::check(const Value& command) const {
  const auto* name = command.find("execute");
  if (!name) name = command.find("exec-oob");
  if (!name || !name->is_string()) return {"the command has no name"};
  Checker checker{*this, name->as_string()};
  const auto* const entry = find(name->as_string());
  if (!entry || entry->meta_type != "command") return {name->as_string() + " is no command of this QEMU"};
  const auto* const given = command.find("arguments");
  if (const auto* const type = find(entry->argument_type)) {
    checker.object(*type, given ? *given : Value::map(), "", name->as_string() == "device_add", 0);
  } else {
    checker.wrong("", "have a type without an entry");
  }
  return checker.take();
}

std::vector<std::string> check_properties(const Value& device, const std::vector<ObjectProperty>& known) {
  std::vector<std::string> problems;
  const auto* const driver = device.find("driver");
  const auto name = driver && driver->is_string() ? driver->as_string() : std::string{"a device without a driver"};
  if (!device.is_map()) return {name + ": not an object"};
  for (const auto& [key, value] : device.as_map()) {
    if (key == "driver" || key == "id" || key == "bus") continue;
    const auto property = std::find_if(known.begin(), known.end(), [&](const auto& it) { return it.name == key; });
    if (property == known.end()) {
      problems.push_back(name + ": " + key + " is no property of it");
    } else if (!property_takes(*property, value)) {
      problems.push_back(name + ": " + key + " is " + std::string{to_string(value.kind())} + ", while it is of type " +
                         property->type);
    }
  }
  return problems;
}

}  // namespace visor::sdk::qmp

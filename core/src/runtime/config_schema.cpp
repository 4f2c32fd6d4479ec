// SPDX-License-Identifier: Apache-2.0
#include "visor/core/describe.hpp"
#include "visor/core/json.hpp"
#include "visor/runtime/config_file.hpp"

namespace visor {
namespace {

/// A text without control characters.
constexpr const char* plain_text = "^[^\\u0000-\\u001f\\u007f]*$";
/// One with ends of lines and tabs.
constexpr const char* document_text = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f]*$";
constexpr const char* size_text = "^[0-9]+([KMGT]iB|[KMGT])$";
constexpr const char* duration_text = "^[0-9]+(ms|s|m|h)$";

Value text_schema(const char* pattern, bool required = false) {
  auto schema = Value::map({{"type", "string"}, {"pattern", pattern}});
  if (required) schema.set("minLength", 1);
  return schema;
}

Value list_schema(Value items) { return Value::map({{"type", "array"}, {"items", std::move(items)}}); }

Value integer_schema(const Field& field) {
  auto number = Value::map({{"type", "integer"}, {"minimum", field.min}, {"maximum", field.max}});
  if (field.unit == "bytes") return Value::map({{"anyOf", Value::list({number, text_schema(size_text)})}});
  if (field.unit == "ms") return Value::map({{"anyOf", Value::list({number, text_schema(duration_text)})}});
  return number;
}

std::string identifier_pattern() { return "^([A-Za-z][A-Za-z0-9._-]{0," + std::to_string(max_identifier - 1) + "})?$"; }

Value reference(std::string_view name) { return Value::map({{"$ref", "#/$defs/" + std::string{name}}}); }

Value devices_schema() {
  auto any = Value::list();
  for (const auto& table : device_sections()) any.push_back(reference("device_" + std::string{table.name}));
  return list_schema(Value::map({{"oneOf", std::move(any)}}));
}

Value params_schema() {
  // The name of a parameter has neither blanks nor quotes.
  auto list = list_schema(text_schema("^([^\\u0000-\\u001f\\u007f= \"]+(=[^\\u0000-\\u001f\\u007f\"]*)?)?$"));
  return Value::map({{"anyOf", Value::list({std::move(list), text_schema(plain_text)})}});
}

Value type_schema(const Field& field) {
  switch (field.kind) {
    case FieldKind::boolean:
      return Value::map({{"type", "boolean"}});
    case FieldKind::integer:
      return integer_schema(field);
    case FieldKind::size:
      return text_schema(size_text);
    case FieldKind::text:
    case FieldKind::path:
      return text_schema(plain_text, field.required);
    case FieldKind::document:
      return Value::map({{"type", "string"}, {"maxLength", max_document}, {"pattern", document_text}});
    case FieldKind::identifier:
      return text_schema(identifier_pattern().c_str(), field.required);
    case FieldKind::choice: {
      const Value::List words(field.choices.begin(), field.choices.end());
      return Value::map({{"type", "string"}, {"enum", Value{words}}});
    }
    case FieldKind::texts:
    case FieldKind::paths:
      return list_schema(text_schema(plain_text));
    case FieldKind::params:
      return params_schema();
    case FieldKind::section:
      return reference(field.section->name);
    case FieldKind::sections:
      return list_schema(reference(field.section->name));
    case FieldKind::devices:
      return devices_schema();
    case FieldKind::properties:
      return Value::map({{"type", "object"}});
  }
  return Value::map();
}

/// The value that a file could give as well; null where the default is "not set".
Value shown_default(const Section& table, const Field& field) {
  if (field.get == nullptr || field.required) return {};
  auto value = field.get(table.defaults);
  if (value.kind() == Value::Kind::integer && value.as_uint() < field.min) return {};
  if (field.kind == FieldKind::size && parse_size_mib(value.as_string()) < field.min) return {};
  return value;
}

Value field_schema(const Section& table, const Field& field) {
  auto schema = type_schema(field);
  schema.set("description", field.doc);
  auto standard = shown_default(table, field);
  if (!standard.is_null()) schema.set("default", std::move(standard));
  return schema;
}

Value section_schema(const Section& table, bool device) {
  auto properties = Value::map();
  auto required = Value::list();
  if (device) {
    properties.set("type", Value::map({{"const", table.name}}));
    required.push_back("type");
  }
  for (const auto& field : table.fields) {
    properties.set(field.key, field_schema(table, field));
    if (field.required) required.push_back(field.key);
  }
  auto schema = Value::map({{"type", "object"}, {"description", table.doc}, {"properties", std::move(properties)}});
  if (!required.as_list().empty()) schema.set("required", std::move(required));
  schema.set("additionalProperties", false);
  return schema;
}

void add_sections(Value& definitions, const Section& table) {
  for (const auto& field : table.fields) {
    if (field.section == nullptr) continue;
    definitions.set(field.section->name, section_schema(*field.section, false));
    add_sections(definitions, *field.section);
  }
}

}  // namespace

std::string config_schema() {
  auto definitions = Value::map();
  add_sections(definitions, vm_config_section());
  for (const auto& table : device_sections()) {
    definitions.set("device_" + std::string{table.name}, section_schema(table, true));
  }
  auto schema = Value::map({{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                            {"title", "visorkit configuration of a virtual machine"}});
  const auto root = section_schema(vm_config_section(), false);
  for (const auto& [key, value] : root.as_map()) schema.set(key, value);
  schema.set("$defs", std::move(definitions));
  return to_json(schema, 2) + "\n";
}

}  // namespace visor

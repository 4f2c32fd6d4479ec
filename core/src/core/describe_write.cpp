// SPDX-License-Identifier: Apache-2.0
#include "describe_sections.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/error.hpp"

#include <filesystem>

namespace visor {
namespace {

using namespace detail;  // NOLINT(google-build-using-namespace): core's own

void* mutable_object(const void* object) { return const_cast<void*>(object); }  // NOLINT: for Field::member, to read

/// Whether a file could say this value: a number below its minimum stands for "not set".
bool sayable(const Field& field, const Value& value) {
  if (value.is_null()) return false;
  if (field.kind == FieldKind::integer) return value.as_uint() >= field.min;
  if (field.kind == FieldKind::size) return parse_size_mib(value.as_string()) >= field.min;
  return !(value.is_string() && value.as_string().empty());
}

Value write_section(const Section& table, const void* object, bool all, bool devices = true);

Value write_field(const Section& table, const Field& field, const void* object, bool all) {
  switch (field.kind) {
    case FieldKind::section: {
      auto map = write_section(*field.section, field.member(mutable_object(object)), all);
      return map.as_map().empty() ? Value{} : map;
    }
    case FieldKind::sections: {
      auto list = Value::list();
      for (std::size_t i = 0; const void* item = field.item(object, i); ++i) {
        list.push_back(write_section(*field.section, item, all));
      }
      return list.as_list().empty() && !all ? Value{} : list;
    }
    case FieldKind::devices: {
      auto list = Value::list();
      for (const auto& device : *static_cast<std::vector<DeviceConfig>*>(field.member(mutable_object(object)))) {
        list.push_back(to_value(device, all));
      }
      return list.as_list().empty() && !all ? Value{} : list;
    }
    default: {
      auto value = field.get(object);
      const bool standard = value == field.get(table.defaults);
      return standard && !field.required && (!all || !sayable(field, value)) ? Value{} : value;
    }
  }
}

/// A map of the fields that have something to say; null stands for one that has not.
Value write_section(const Section& table, const void* object, bool all, bool devices) {
  auto map = Value::map();
  for (const auto& field : table.fields) {
    if (!devices && field.kind == FieldKind::devices) continue;
    auto value = write_field(table, field, object, all);
    if (!value.is_null()) map.set(field.key, std::move(value));
  }
  return map;
}

void resolve(const Section& table, void* object, const std::filesystem::path& folder);

void resolve_devices(std::vector<DeviceConfig>& devices, const std::filesystem::path& folder) {
  for (auto& device : devices) resolve(section_of(device), object_of(device), folder);
}

void resolve(const Section& table, void* object, const std::filesystem::path& folder) {
  const auto absolute = [&](const std::string& text) {
    return Value{text.empty() || text.front() == '/' ? text : (folder / text).lexically_normal().string()};
  };
  const auto set = [&](const Field& field, const Value& value) {
    try {
      field.set(object, value);
    } catch (const Error& error) {  // the folder's name is to blame: the rest was read before
      throw Error(error.code(), std::string{field.key} +
                                    ": Cannot be relative to this folder, give an absolute path: " + error.message());
    }
  };
  for (const auto& field : table.fields) {
    if (field.kind == FieldKind::section) {
      resolve(*field.section, field.member(object), folder);
    } else if (field.kind == FieldKind::sections) {
      for (std::size_t i = 0; const void* item = field.item(object, i); ++i) {
        resolve(*field.section, mutable_object(item), folder);
      }
    } else if (field.kind == FieldKind::devices) {
      resolve_devices(*static_cast<std::vector<DeviceConfig>*>(field.member(object)), folder);
    } else if (field.kind == FieldKind::path) {
      set(field, absolute(field.get(object).as_string()));
    } else if (field.kind == FieldKind::paths) {
      auto list = Value::list();
      const auto paths = field.get(object);
      for (const auto& path : paths.as_list()) list.push_back(absolute(path.as_string()));
      set(field, list);
    }
  }
}

}  // namespace

Value to_value(const VmConfig& config, bool all) { return write_section(vm_config_section(), &config, all); }

Value settings_to_value(const VmConfig& config) { return write_section(vm_config_section(), &config, false, false); }

Value to_value(const DeviceConfig& device, bool all) {
  auto value = Value::map({{"type", device_type(device)}});
  const auto fields = write_section(section_of(device), object_of(device), all);
  for (const auto& [key, member] : fields.as_map()) value.set(key, member);
  return value;
}

void resolve_paths(VmConfig& config, const std::string& folder) {
  resolve(vm_config_section(), &config, std::filesystem::path{folder});
}

}  // namespace visor

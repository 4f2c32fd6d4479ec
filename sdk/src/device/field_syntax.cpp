// SPDX-License-Identifier: Apache-2.0
// What the text of each type of field may be.
#include "fields.hpp"
#include "visor/sdk/device/property_bag.hpp"

#include <algorithm>
#include <charconv>

namespace visor::sdk {
namespace {

constexpr std::size_t longest_path = 4095;        // linux: PATH_MAX less its NUL
constexpr std::size_t longest_socket_path = 107;  // linux: sun_path less its NUL

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// The number that hex text is as a whole, if it is at most `most`.
std::optional<unsigned> hex(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, 16);
  if (error != std::errc{} || stop != end || value > most) return std::nullopt;
  return value;
}

/// What comes before the first dot; the rest stays.
std::string_view take_part(std::string_view& text) {
  const auto dot = std::min(text.find('.'), text.size());
  const auto part = text.substr(0, dot);
  text.remove_prefix(std::min(dot + 1, text.size()));
  return part;
}

bool is_pci_address(std::string_view text) {
  if (text.ends_with('.')) return false;
  auto slot = take_part(text);
  if (slot.starts_with("0x")) slot.remove_prefix(2);
  return hex(slot, 31) && (text.empty() || hex(text, 7));
}

/// qemu: hw/s390x/css.c, css_devid_set(): the number has four digits.
bool is_devno(std::string_view text) {
  const auto subsystem = take_part(text);
  const auto set = take_part(text);
  return subsystem.size() <= 2 && hex(subsystem, 255) && set.size() == 1 && hex(set, 3) && text.size() == 4 &&
         hex(text, 0xffff);
}

/// Hex digits become 'x', the rest stays.
std::string shape_of(std::string_view text) {
  std::string shape;
  for (const char c : text) shape += is_hex(c) ? 'x' : c;
  return shape;
}

bool is_bus(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '/';
  });
}

bool is_fd(std::string_view text) { return !text.empty() && (std::ranges::all_of(text, is_digit) || is_qemu_id(text)); }

bool is_option(std::string_view text) {
  const auto equals = text.find('=');
  return equals != std::string_view::npos && is_qemu_id(text.substr(0, equals));
}

std::string path_problem(const std::string& text, std::size_t longest) {
  if (text.empty() || text.front() != '/') return "must be an absolute path, found '" + text + "'";
  if (text.size() > longest) return "must not be longer than " + std::to_string(longest) + " bytes";
  return {};
}

std::string list_problem(const DeviceField& field, const Value& value) {
  const bool options = field.type == FieldType::options;
  for (const auto& item : value.as_list()) {
    const auto& text = item.as_string();
    if (options && !is_option(text)) return "must be like key=value, found '" + text + "'";
    if (field.type == FieldType::fds && !is_fd(text)) {
      return "must be numbers or names of descriptors, without ':', found '" + text + "'";
    }
    if (field.type == FieldType::path) {
      if (auto problem = path_problem(text, longest_path); !problem.empty()) return problem;
    }
    if (text.empty()) return "must not have an empty one";
  }
  return {};
}

std::string number_problem(const DeviceField& field, std::uint64_t number) {
  if (number > field.max) return "must not be above " + std::to_string(field.max);
  if (number < field.min) return "must not be below " + std::to_string(field.min);
  if (field.power_of_two && (number & (number - 1)) != 0) {
    return "must be a power of two, found " + std::to_string(number);
  }
  return {};
}

/// A text of a form, and what is said of one that has another.
struct Form {
  bool good;
  const char* wanted;
};

Form form_of(FieldType type, const std::string& text) {
  switch (type) {
    case FieldType::id:
    case FieldType::reference:
      return {is_qemu_id(text), "must be a letter followed by letters, digits, '-', '.' or '_'"};
    case FieldType::bus:
      return {is_bus(text), "must be the name of a bus, like pcie.0"};
    case FieldType::fd:
      return {is_fd(text), "must be the number or the name of a descriptor"};
    case FieldType::mac:
      return {shape_of(text) == "xx:xx:xx:xx:xx:xx", "must be like 52:54:00:12:34:56"};
    case FieldType::pci_address:
      return {is_pci_address(text), "must be a slot up to 1f and perhaps a function up to 7"};
    case FieldType::devno:
      return {is_devno(text), "must be like fe.0.0004"};
    case FieldType::host_address:
      return {shape_of(text) == "xx:xx.x" || shape_of(text) == "xxxx:xx:xx.x", "must be like 0000:01:00.0"};
    case FieldType::uuid:
      return {shape_of(text) == "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
              "must be like 2e0cbd0e-5d0f-4a43-9a4c-1a0d4e2b4f4e"};
    default:
      return {true, ""};
  }
}

std::string text_problem(const DeviceField& field, const std::string& text) {
  if (text.empty() && field.required && field.type == FieldType::text) return "must be given";
  if (breaks_arguments(text)) return "must not contain a NUL or a newline";
  if (field.type == FieldType::path) return path_problem(text, longest_path);
  if (field.type == FieldType::socket_path) return path_problem(text, longest_socket_path);
  if (field.type == FieldType::choice && std::ranges::find(field.choices, text) == field.choices.end()) {
    return "must be " + words_of(field) + ", found '" + text + "'";
  }
  const auto form = form_of(field.type, text);
  if (!form.good) return std::string{form.wanted} + ", found '" + text + "'";
  if (field.max != 0 && text.size() > field.max) {
    return "must not be longer than " + std::to_string(field.max) + " bytes, found " + std::to_string(text.size());
  }
  return {};
}

}  // namespace

std::string syntax_problem(const DeviceField& field, const Value& value) {
  if (value.is_null() || value.kind() == Value::Kind::boolean) return value.is_null() ? "must be given" : "";
  if (value.is_list()) {
    for (const auto& item : value.as_list()) {
      const auto problem = text_problem({.type = FieldType::text}, item.as_string());
      if (!problem.empty()) return problem;
    }
    return value.as_list().empty() ? "must be given" : list_problem(field, value);
  }
  if (value.is_string()) return text_problem(field, value.as_string());
  if (field.storage == FieldStorage::integer) return value.as_int() < 0 ? "must be given" : "";
  return number_problem(field, value.as_uint());
}

}  // namespace visor::sdk

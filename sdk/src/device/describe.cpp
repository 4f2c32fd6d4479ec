// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/describe.hpp"

#include "fields.hpp"
#include "visor/core/error.hpp"

#include <algorithm>
#include <type_traits>

namespace visor::sdk {
namespace {

/// The device is the caller's to write to, and so is its member.
template <class T>
T& held(const DeviceField& field, void* device) {
  return *static_cast<T*>(const_cast<void*>(field.member(device)));  // NOLINT(cppcoreguidelines-pro-type-const-cast)
}

template <class T>
void write(const DeviceField& field, void* device, T value) {
  if (field.optional) {
    held<std::optional<T>>(field, device) = std::move(value);
  } else {
    held<T>(field, device) = std::move(value);
  }
}

template <class T>
void write_number(const DeviceField& field, void* device, const Value& value) {
  const auto number = value.as_uint();
  if (number > std::numeric_limits<T>::max()) {
    throw Error(Errc::invalid_config, std::string{field.name} + ": " + std::to_string(number) + " is too large");
  }
  write(field, device, static_cast<T>(number));
}

std::uint8_t index_of(const DeviceField& field, const std::string& word) {
  const auto found = std::ranges::find(field.choices, word);
  if (found == field.choices.end()) {
    throw Error(Errc::invalid_config, std::string{field.name} + ": '" + word + "' is none of " + words_of(field));
  }
  return static_cast<std::uint8_t>(found - field.choices.begin());
}

struct Clear {
  template <class T>
  void operator()(const std::optional<T>& member) const {
    const_cast<std::optional<T>&>(member).reset();  // NOLINT(cppcoreguidelines-pro-type-const-cast): as in held()
  }
  template <class T>
  void operator()(const T& /*member*/) const {
    throw Error(Errc::invalid_config, "A field that is not optional must have a value");
  }
};

std::vector<std::string> texts_of(const Value& value) {
  std::vector<std::string> texts;
  for (const auto& item : value.as_list()) texts.push_back(item.as_string());
  return texts;
}

struct ToValue {
  Value operator()(const std::vector<std::string>& texts) const {
    Value list{Value::List{}};
    for (const auto& text : texts) list.push_back(text);
    return list;
  }
  template <class T>
  Value operator()(const std::optional<T>& member) const {
    return member ? Value{*member} : Value{};
  }
  template <class T>
  Value operator()(const T& member) const {
    return Value{member};
  }
};

}  // namespace

const DeviceField* DeviceTable::find(std::string_view field) const noexcept {
  const auto found = std::ranges::find(fields, field, &DeviceField::name);
  return found == fields.end() ? nullptr : &*found;
}

Value read_field(const DeviceField& field, const void* device) {
  if (field.member == nullptr) return {};
  if (field.storage == FieldStorage::choice) {
    const auto index = choice_of(field, device);
    return Value{index < field.choices.size() ? field.choices[index] : "?"};
  }
  return visit_member(field, device, ToValue{});
}

void write_field(const DeviceField& field, void* device, const Value& value) {
  if (value.is_null()) return visit_member(field, device, Clear{});
  switch (field.storage) {
    case FieldStorage::boolean:
      return write(field, device, value.as_bool());
    case FieldStorage::number:
      return write_number<std::uint64_t>(field, device, value);
    case FieldStorage::number32:
      return write_number<std::uint32_t>(field, device, value);
    case FieldStorage::number16:
      return write_number<std::uint16_t>(field, device, value);
    case FieldStorage::integer:
      return write(field, device, static_cast<int>(value.as_int()));
    case FieldStorage::text:
      return write(field, device, value.as_string());
    case FieldStorage::texts:
      return write(field, device, texts_of(value));
    case FieldStorage::choice:
      return write(field, device, index_of(field, value.as_string()));
    case FieldStorage::none:
      break;
  }
  throw Error(Errc::invalid_config, std::string{field.key} + " follows from other fields and cannot be set");
}

}  // namespace visor::sdk

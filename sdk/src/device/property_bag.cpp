// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/property_bag.hpp"

#include "visor/core/describe.hpp"
#include "visor/core/error.hpp"

#include <algorithm>

namespace visor::sdk {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    out += c;
    if (c == ',') out += ',';
  }
  return out;
}

void check_name(std::string_view what, const std::string& name) {
  if (is_property_name(name)) return;
  throw Error(
      Errc::invalid_config,
      std::string{what} + " must have letters, digits, '-', '_', '.', '+', '[' and ']' alone, found '" + name + "'");
}

struct OptionText {
  std::string operator()(bool value) const { return value ? "on" : "off"; }
  std::string operator()(std::uint64_t value) const { return std::to_string(value); }
  std::string operator()(const std::string& value) const { return escaped(value); }
};

/// "file.filename" becomes a member `filename` of the map `file`.
void set_dotted(Value& map, std::string_view key, Value value) {
  const auto dot = key.find('.');
  if (dot == std::string_view::npos) {
    map.set(key, std::move(value));
    return;
  }
  const auto* present = map.find(key.substr(0, dot));
  auto inner = present != nullptr ? *present : Value::map();
  set_dotted(inner, key.substr(dot + 1), std::move(value));
  map.set(key.substr(0, dot), std::move(inner));
}

}  // namespace

PropertyBag::PropertyBag(std::string head_key, std::string head, bool head_key_shown)
    : head_key_{std::move(head_key)}, head_{std::move(head)}, head_key_shown_{head_key_shown} {
  if (!head_key_.empty()) check_name("The " + head_key_, head_);
}

PropertyBag PropertyBag::device(std::string driver) { return {"driver", std::move(driver), false}; }
PropertyBag PropertyBag::object(std::string qom_type) { return {"qom-type", std::move(qom_type), false}; }
PropertyBag PropertyBag::netdev(std::string type) { return {"type", std::move(type), false}; }
PropertyBag PropertyBag::chardev(std::string backend) { return {"backend", std::move(backend), false}; }
PropertyBag PropertyBag::machine(std::string type) { return {"type", std::move(type), false}; }
PropertyBag PropertyBag::block(std::string driver) { return {"driver", std::move(driver), true}; }
PropertyBag PropertyBag::keys() { return {"", "", false}; }

PropertyBag& PropertyBag::put(std::string key, Property value) {
  check_name("The name of a property", key);
  if (key == head_key_) {  // QEMU would take it for the head, and the last one counts
    throw Error(Errc::invalid_config, "The property " + key + " is said already: '" + head_ + "'");
  }
  const auto found = std::ranges::find_if(properties_, [&](const auto& property) { return property.first == key; });
  if (found == properties_.end()) {
    properties_.emplace_back(std::move(key), std::move(value));
  } else {
    found->second = std::move(value);
  }
  return *this;
}

PropertyBag& PropertyBag::set(std::string key, bool value) { return put(std::move(key), value); }
PropertyBag& PropertyBag::set(std::string key, std::uint64_t value) { return put(std::move(key), value); }
PropertyBag& PropertyBag::set(std::string key, std::string value) {
  if (breaks_arguments(value)) {
    throw Error(Errc::invalid_config, "The value of " + key + " must not contain a NUL or a newline");
  }
  return put(std::move(key), std::move(value));
}
PropertyBag& PropertyBag::set_if(std::string key, std::string value) {
  return value.empty() ? *this : set(std::move(key), std::move(value));
}

const PropertyBag::Property* PropertyBag::find(std::string_view key) const noexcept {
  for (const auto& [name, value] : properties_) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::string PropertyBag::to_option() const {
  std::string out;
  if (!head_key_.empty()) out = (head_key_shown_ ? head_key_ + '=' : "") + head_;
  for (const auto& [key, value] : properties_) {
    if (!out.empty()) out += ',';
    out += key + '=' + std::visit(OptionText{}, value);
  }
  return out;
}

Value PropertyBag::to_value() const {
  auto map = Value::map();
  if (!head_key_.empty()) map.set(head_key_, head_);
  for (const auto& [key, value] : properties_) {
    set_dotted(map, key, std::visit([](const auto& plain) { return Value{plain}; }, value));
  }
  return map;
}

std::string cpu_words(std::string_view model, const std::vector<std::string>& features) {
  const auto check = [](std::string_view what, std::string_view word) {
    const auto good = [](char c) { return c > ' ' && c < 0x7f && c != ','; };
    if (!word.empty() && std::ranges::all_of(word, good)) return;
    throw Error(Errc::invalid_config,
                std::string{what} + " must be a word without commas and blanks, found '" + std::string{word} + "'");
  };
  check("A CPU model", model);
  std::string words{model};
  for (const auto& feature : features) {
    check("A CPU feature", feature);
    words += ',';
    words += feature;
  }
  return words;
}

bool is_qemu_id(std::string_view text) noexcept { return is_identifier(text); }

bool is_property_name(std::string_view text) noexcept {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+[]";
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

bool breaks_arguments(std::string_view text) noexcept {
  return text.find_first_of(std::string_view{"\0\n", 2}) != std::string_view::npos;
}

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace visor::sdk {

/// One QEMU object in properties, with two renderings: an option of the command line, and the arguments of the QMP
/// command that makes the same thing at run time. So what is plugged cold and what is plugged hot cannot drift apart.
///
/// It is the only place that joins option text: commas in values are doubled, as QEMU's keyval lists want them. A head
/// and a key are names (is_property_name()), so that neither can begin another property.
class VISOR_SDK_EXPORT PropertyBag {
 public:
  using Property = std::variant<bool, std::uint64_t, std::string>;

  /// These throw invalid_config for a head that is no name.
  static PropertyBag device(std::string driver);    ///< -device, device_add
  static PropertyBag object(std::string qom_type);  ///< -object, object-add
  static PropertyBag netdev(std::string type);      ///< -netdev, netdev_add
  static PropertyBag chardev(std::string backend);  ///< -chardev; QMP's chardev-add has another shape
  static PropertyBag machine(std::string type);     ///< -machine
  static PropertyBag block(std::string driver);     ///< -blockdev, blockdev-add; dotted keys nest in QMP
  static PropertyBag keys();                        ///< a plain list: -m, -smp, -name, -rtc, -sandbox, -mon

  /// Sets or replaces a property; the order of first setting is kept. Throws invalid_config, naming the key, for text
  /// with a NUL or a newline, for a key that is no name, and for the head's own.
  PropertyBag& set(std::string key, bool value);
  PropertyBag& set(std::string key, std::uint64_t value);
  PropertyBag& set(std::string key, std::string value);
  PropertyBag& set(std::string key, const char* value) { return set(std::move(key), std::string{value}); }
  /// Sets it unless the text is empty.
  PropertyBag& set_if(std::string key, std::string value);

  [[nodiscard]] const std::string& head() const noexcept { return head_; }
  [[nodiscard]] const Property* find(std::string_view key) const noexcept;
  [[nodiscard]] std::string to_option() const;
  [[nodiscard]] Value to_value() const;

 private:
  PropertyBag(std::string head_key, std::string head, bool head_key_shown);
  PropertyBag& put(std::string key, Property value);

  std::string head_key_;  // "driver", "qom-type", …; empty: no head
  std::string head_;
  bool head_key_shown_ = false;
  std::vector<std::pair<std::string, Property>> properties_;
};

/// A model and its features as -cpu has them. What it is made of cannot have a comma, which begins a feature and which
/// nothing escapes: throws invalid_config for a comma, a blank or a control character, and for an empty one.
VISOR_SDK_EXPORT std::string cpu_words(std::string_view model, const std::vector<std::string>& features);

/// Whether QEMU takes this as an id of a device, object, chardev or netdev: a letter, then letters, digits, '-', '.',
/// '_'. (qemu: util/id.c)
VISOR_SDK_EXPORT bool is_qemu_id(std::string_view text) noexcept;
/// Whether this can be the name of a property, a type or a machine: letters, digits, '-', '_', '.', '+', '[' and ']'.
VISOR_SDK_EXPORT bool is_property_name(std::string_view text) noexcept;
/// Whether no argument of QEMU can carry this text: it has a NUL, which would end it, or a newline.
VISOR_SDK_EXPORT bool breaks_arguments(std::string_view text) noexcept;

}  // namespace visor::sdk

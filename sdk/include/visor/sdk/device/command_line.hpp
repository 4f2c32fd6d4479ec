// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/sdk/device/property_bag.hpp"
#include "visor/sdk/export.h"

#include <string>
#include <string_view>
#include <vector>

namespace visor::sdk {

struct DeviceTable;  // of each device struct, see describe.hpp

/// A command line as data: sections in order, each argument with the reason it is there.
class VISOR_SDK_EXPORT CommandLine {
 public:
  struct Argument {
    std::string section;  ///< "machine", "memory", "devices", …
    std::string option;   ///< "-device"
    std::string value;    ///< rendered; empty for a flag
    std::string reason;   ///< the configuration field or rule that asked for it
    bool has_value = false;
  };

  /// What follows belongs to this section.
  void section(std::string_view name) { section_ = name; }
  /// What follows is there because of this.
  void because(std::string_view reason) { reason_ = reason; }

  /// These throw invalid_config for an option that is no name after its '-'.
  void flag(std::string_view option);
  /// An option whose value QEMU takes as it is (-kernel, -append, -uuid): nothing is escaped. Throws invalid_config for
  /// a NUL or a newline.
  void plain(std::string_view option, std::string_view value);
  /// An option whose value is a keyval list.
  void add(std::string_view option, const PropertyBag& bag);

  [[nodiscard]] const std::vector<Argument>& arguments() const noexcept { return arguments_; }
  /// The program and its arguments, one element each. Pure: the same every time.
  [[nodiscard]] std::vector<std::string> argv(std::string_view program) const;

 private:
  void append(std::string_view option, std::string value, bool has_value);
  std::string section_;
  std::string reason_;
  std::vector<Argument> arguments_;
};

}  // namespace visor::sdk

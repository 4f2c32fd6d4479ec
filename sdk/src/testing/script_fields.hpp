// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace visor::testing {

/// The members of a map, taken one by one; what nobody took is an unknown key.
class Fields {
 public:
  /// `what` is what the map is, for messages ("a script"). Both must outlive this.
  Fields(const Value& map, std::string_view file, std::string_view what);

  /// A member; null when it is absent.
  const Value* take(std::string_view key);
  /// The same for a member of one kind, with what it is else.
  std::string text(std::string_view key, const std::string& otherwise);
  std::uint64_t number(std::string_view key, std::uint64_t otherwise, std::uint64_t least, std::uint64_t most);
  /// Refuses the first key that was not taken.
  void refuse_rest() const;

  [[noreturn]] void fail(const Value& where, const std::string& what) const;

 private:
  const Value& map_;
  std::string_view file_;
  std::string_view what_;
  std::set<std::string, std::less<>> taken_;
};

/// Refuses a value of the key `key`, at its own place: says what it must be, what it is, and an example.
[[noreturn]] void fail_value(const Value& value, std::string_view key, std::string_view file,
                             const std::string& wanted);

/// Checks of a value of the key `key`.
const std::string& need_text(const Value& value, std::string_view key, std::string_view file);
Value need_map(const Value& value, std::string_view key, std::string_view file);
const Value::List& need_list(const Value& value, std::string_view key, std::string_view file);
std::uint64_t need_number(const Value& value, std::string_view key, std::string_view file, std::uint64_t least,
                          std::uint64_t most);

}  // namespace visor::testing

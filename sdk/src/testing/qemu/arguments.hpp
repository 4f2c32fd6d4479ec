// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace visor::testing {

/// The arguments of a command, refused in QEMU's words.
class Arguments {
 public:
  /// `values` is a map or null, and must outlive this. `path` goes before the names in messages ("backend.data.").
  explicit Arguments(const Value& values, std::string path = {});

  const Value* find(std::string_view key);
  std::string text(std::string_view key);  ///< must be there
  std::string text(std::string_view key, std::string otherwise);
  std::optional<bool> boolean(std::string_view key);
  const Value& map(std::string_view key);  ///< must be there
  /// Refuses what nobody asked for.
  void refuse_rest() const;

 private:
  [[noreturn]] void refuse_type(std::string_view key, const char* expected) const;
  [[noreturn]] void refuse_missing(std::string_view key) const;

  const Value& values_;
  std::string path_;
  std::set<std::string, std::less<>> asked_;
};

/// The number that a value or its text says ("0x10", "128M"); nothing when it says none.
std::optional<std::uint64_t> number_of(const Value& value);
/// What a value says as text; numbers are written out.
std::string text_of(const Value& value);
/// A letter, then letters, digits, '-', '.' and '_'.
bool is_identifier(std::string_view id);

}  // namespace visor::testing

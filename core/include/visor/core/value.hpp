// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/export.h"

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace visor {

/// Where a value stood in its file; line and column count from 1, 0 means unknown.
struct Mark {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

/// A tree of plain data: what JSON and YAML can say, with integers exact to 64 bits and maps in their written order.
///
/// It is the one shape in which configuration files, records, QMP messages and command output travel between layers, so
/// that no public header needs a JSON library. The as_… accessors throw Error(invalid_config) that names both kinds.
class VISOR_CORE_EXPORT Value {
 public:
  using List = std::vector<Value>;
  using Map = std::vector<std::pair<std::string, Value>>;
  enum class Kind { null, boolean, integer, number, string, list, map };

  Value() noexcept;
  Value(bool value) noexcept;  // NOLINT(google-explicit-constructor): literals read as data
  template <class T>
    requires(std::integral<T> && !std::same_as<T, bool>)
  Value(T value) noexcept : Value(Integer{}, static_cast<std::uint64_t>(value), std::is_signed_v<T> && value < T{}) {}
  Value(double value) noexcept;
  Value(const char* text);
  Value(std::string_view text);
  Value(std::string text) noexcept;
  Value(List list) noexcept;
  Value(Map map) noexcept;
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();

  /// A map from key-value pairs, in this order: Value::map({{"id", "vm0"}, {"vcpus", 2}}).
  static Value map(std::initializer_list<std::pair<std::string, Value>> members = {});
  static Value list(std::initializer_list<Value> items = {});

  [[nodiscard]] Kind kind() const noexcept;
  [[nodiscard]] bool is_null() const noexcept { return kind() == Kind::null; }
  [[nodiscard]] bool is_map() const noexcept { return kind() == Kind::map; }
  [[nodiscard]] bool is_list() const noexcept { return kind() == Kind::list; }
  [[nodiscard]] bool is_string() const noexcept { return kind() == Kind::string; }

  [[nodiscard]] bool as_bool() const;
  [[nodiscard]] std::int64_t as_int() const;    ///< throws when above INT64_MAX
  [[nodiscard]] std::uint64_t as_uint() const;  ///< throws when negative
  [[nodiscard]] double as_number() const;       ///< an integer converts
  [[nodiscard]] const std::string& as_string() const;
  [[nodiscard]] const List& as_list() const;
  [[nodiscard]] const Map& as_map() const;

  /// The member of a map, or null when absent or when this is no map.
  [[nodiscard]] const Value* find(std::string_view key) const noexcept;
  /// The member of a map; throws invalid_config naming the key when absent.
  [[nodiscard]] const Value& at(std::string_view key) const;
  /// Sets or replaces a member; a null value becomes a map first. Throws when this is another kind. Returns *this.
  Value& set(std::string_view key, Value value);
  /// Appends to a list; a null value becomes a list first. Throws when this is another kind.
  void push_back(Value value);

  [[nodiscard]] Mark mark() const noexcept { return mark_; }
  void set_mark(Mark mark) noexcept { mark_ = mark; }

  /// Same data; marks do not count, and the order of map members does.
  friend VISOR_CORE_EXPORT bool operator==(const Value& a, const Value& b) noexcept;

 private:
  struct Integer {
    std::uint64_t bits = 0;  // two's complement
    bool negative = false;
    bool operator==(const Integer&) const = default;
  };
  Value(Integer, std::uint64_t bits, bool negative) noexcept;
  std::variant<std::monostate, bool, Integer, double, std::string, List, Map> data_;
  Mark mark_;
};

/// The name of a kind as used in messages ("a string").
VISOR_CORE_EXPORT std::string_view to_string(Value::Kind kind) noexcept;

}  // namespace visor

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/value.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace visor::sdk::qmp {

/// A place in what QEMU answered to a command. Whatever is absent or of another kind ends in one
/// Error(hypervisor_error) that names the command and the place: "The answer to query-jobs is not as documented: [2].id
/// is missing".
///
/// It refers to the value and to the place that it was made from; neither may go away before it.
class Answer {
 public:
  Answer(std::string_view command, const Value& value) noexcept : command_{command}, value_{value} {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  [[nodiscard]] const Value& value() const noexcept { return value_; }
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] double number() const;
  [[nodiscard]] const std::string& text() const;
  /// An integer that fits the type.
  template <std::integral T = std::uint64_t>
  [[nodiscard]] T integer() const {
    if constexpr (std::is_signed_v<T>) {
      return static_cast<T>(signed_integer(std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
    } else {
      return static_cast<T>(unsigned_integer(std::numeric_limits<T>::max()));
    }
  }

  /// A member that must be there.
  [[nodiscard]] Answer at(std::string_view key) const&;
  [[nodiscard]] Answer at(std::string_view key) const&& = delete;  // its parent would be gone
  [[nodiscard]] bool has(std::string_view key) const;

  // Members read at once: those that must be there, and those that may be absent.
  [[nodiscard]] bool boolean(std::string_view key) const { return at(key).boolean(); }
  [[nodiscard]] const std::string& text(std::string_view key) const { return at(key).text(); }
  template <std::integral T = std::uint64_t>
  [[nodiscard]] T integer(std::string_view key) const {
    return at(key).template integer<T>();
  }
  [[nodiscard]] std::optional<bool> find_boolean(std::string_view key) const;
  [[nodiscard]] std::optional<std::string> find_text(std::string_view key) const;
  template <std::integral T = std::uint64_t>
  [[nodiscard]] std::optional<T> find_integer(std::string_view key) const {
    return has(key) ? std::optional{at(key).template integer<T>()} : std::nullopt;
  }
  /// 0 when absent.
  [[nodiscard]] std::uint64_t integer_or_zero(std::string_view key) const { return find_integer(key).value_or(0); }
  [[nodiscard]] double number_or_zero(std::string_view key) const { return has(key) ? at(key).number() : 0.0; }

  /// Calls a function with each item of the list that this is.
  template <class F>
  void each(F&& function) const {
    std::size_t index = 0;
    for (const auto& item : list()) function(Answer{*this, item, {}, index++});
  }
  /// The same with the list that a member is; nothing when it is absent.
  template <class F>
  void each(std::string_view key, F&& function) const {
    if (has(key)) at(key).each(std::forward<F>(function));
  }

  /// Says what is wrong with this place ("is neither a nor b").
  [[noreturn]] void fail(std::string_view what) const;

 private:
  Answer(const Answer& parent, const Value& value, std::string_view key, std::size_t index) noexcept
      : command_{parent.command_}, value_{value}, parent_{&parent}, key_{key}, index_{index} {}
  [[nodiscard]] const Value::List& list() const;
  [[nodiscard]] std::int64_t signed_integer(std::int64_t min, std::int64_t max) const;
  [[nodiscard]] std::uint64_t unsigned_integer(std::uint64_t max) const;
  [[nodiscard]] std::string place() const;
  [[noreturn]] void wrong_kind(std::string_view wanted) const;

  std::string_view command_;
  const Value& value_;
  const Answer* parent_ = nullptr;
  std::string_view key_;   // of the member, empty for an item of a list
  std::size_t index_ = 0;  // of the item
};

/// Runs a command and reads its answer with a function of `const Answer&`. [blocks] Errors as Client::execute().
template <class Read>
auto ask(Client& client, std::string_view command, Value arguments, const CallContext& call, Read&& read) {
  const auto value = client.execute(command, std::move(arguments), call);
  return read(Answer{command, value});
}

/// Runs a command whose answer says nothing. [blocks] Errors as Client::execute().
inline void tell(Client& client, std::string_view command, Value arguments, const CallContext& call) {
  (void)client.execute(command, std::move(arguments), call);
}

}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#include "match.hpp"

#include <algorithm>

namespace visor::testing {

bool same_data(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  if (a.is_list()) return std::ranges::equal(a.as_list(), b.as_list(), same_data);
  if (!a.is_map()) return a == b;
  return a.as_map().size() == b.as_map().size() && std::ranges::all_of(a.as_map(), [&](const auto& member) {
           const auto* const other = b.find(member.first);
           return other != nullptr && same_data(member.second, *other);
         });
}

bool is_part_of(const Value& part, const Value& whole) {
  if (!part.is_map() || !whole.is_map()) return same_data(part, whole);
  return std::ranges::all_of(part.as_map(), [&](const auto& member) {
    const auto* const other = whole.find(member.first);
    return other != nullptr && is_part_of(member.second, *other);
  });
}

const Value* command_name(const Value& object) {
  const auto* const name = object.find("execute");
  return name != nullptr ? name : object.find("exec-oob");
}

bool arguments_fit(const Value& object, QmpScript::Match match, const Value& arguments) {
  if (match == QmpScript::Match::any) return true;
  const auto* const found = object.find("arguments");
  const auto given = found != nullptr ? *found : Value::map();
  const auto& wanted = arguments.is_null() ? Value::map() : arguments;
  return match == QmpScript::Match::exact ? same_data(wanted, given) : is_part_of(wanted, given);
}

}  // namespace visor::testing

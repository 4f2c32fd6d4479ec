// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/testing/qmp_script.hpp"

#include <string>

namespace visor::testing {

/// The same data; the order of members does not count.
bool same_data(const Value& a, const Value& b);
/// `part` is the same data, or a map whose members are all in `whole`, each a part of the one there.
bool is_part_of(const Value& part, const Value& whole);

/// The name of a command; null for an object that is none.
const Value* command_name(const Value& object);
/// Whether the arguments of a command are as they must be. No arguments and none in the object are the same.
bool arguments_fit(const Value& object, QmpScript::Match match, const Value& arguments);

}  // namespace visor::testing

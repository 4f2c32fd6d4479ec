// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace visor::detail {

/// A word without quotes by the core schema of YAML 1.2: null is not among them, the parser has told it already.
Value resolve_scalar(const std::string& text);

/// What makes a text no YAML, before a parser sees it.
struct TextProblem {
  Mark mark;
  std::string text;
};
/// The first byte that is not UTF-8, or a control character other than tab and line ends.
std::optional<TextProblem> find_text_problem(std::string_view text);

}  // namespace visor::detail

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

namespace visor::keeper {

/// Why a start did not succeed; becomes the `failed` message.
struct Failure {
  std::string stage;
  int error = 0;
  std::string text;     ///< what it was about: a path, a sentence
  std::string process;  ///< empty: the keeper itself
};

}  // namespace visor::keeper

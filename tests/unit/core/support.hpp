// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "support/error_of.hpp"
#include "support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace visor::testing {

using test::error_of;

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Expects an error of this code whose message has this part.
template <class Function>
void expect_error(Errc code, const std::string& part, const Function& function) {
  const auto error = error_of(function);
  EXPECT_EQ(to_string(error.code()), to_string(code)) << error.message();
  EXPECT_TRUE(contains(error.message(), part)) << "'" << error.message() << "' does not have '" << part << "'";
}

using TempDir = test::TemporaryFolder;

}  // namespace visor::testing

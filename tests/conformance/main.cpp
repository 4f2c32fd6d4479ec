// SPDX-License-Identifier: Apache-2.0
#include "child.hpp"
#include "support/left_over.hpp"

#include <gtest/gtest.h>

#include <string_view>

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view{argv[1]} == "--helper")
    return visor::conformance::run_helper({argv + 2, argv + argc});
  visor::test::adopt_orphans();
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

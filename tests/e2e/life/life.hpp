// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "guest.hpp"

#include <string>

/// Tests of a running VM on each architecture. `TEST_P(Suite, ...)` with a suite that derives from LifeTest;
/// VISOR_LIFE_ON() says for which architectures.
namespace visor::test {

class LifeTest : public QemuTest, public ::testing::WithParamInterface<const char*> {
 protected:
  [[nodiscard]] const GuestArch& arch() const override { return guest_arch(GetParam()); }
  [[nodiscard]] bool is(std::string_view name) const { return arch().name == name; }
};

}  // namespace visor::test

#define VISOR_LIFE_ON(suite, ...)                                       \
  INSTANTIATE_TEST_SUITE_P(Life, suite, ::testing::Values(__VA_ARGS__), \
                           [](const auto& arch) { return std::string{arch.param}; })

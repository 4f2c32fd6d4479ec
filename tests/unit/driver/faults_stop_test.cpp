// SPDX-License-Identifier: Apache-2.0
// Each thing that a stop asks for, and each way in which QEMU can fail at it: the VM ends, the next rung does it, and
// nothing is left.
#include "fixture.hpp"

#include <algorithm>
#include <cctype>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace visor::sdk {
namespace {

struct Cell {
  const char* words;  // what fails, and what makes the stop come to it
  const char* rung;   // which ends the VM then
};

// A power button that does nothing leads to quit, and a quit that does nothing to SIGTERM.
constexpr Cell cells[] = {
    {"system_powerdown=error", "hypervisor"},
    {"system_powerdown=silence", "hypervisor"},
    {"system_powerdown=garbage", "terminate"},
    {"system_powerdown=close", "terminate"},
    {"system_powerdown=hang", "kill"},
    {"system_powerdown=exit", "guest"},
    {"system_powerdown=ignore quit=error", "terminate"},
    {"system_powerdown=ignore quit=silence", "terminate"},
    {"system_powerdown=ignore quit=garbage", "terminate"},
    {"system_powerdown=ignore quit=close", "terminate"},
    {"system_powerdown=ignore quit=hang", "kill"},
    {"system_powerdown=ignore quit=exit", "hypervisor"},
    {"system_powerdown=ignore quit=ignore sigterm=ignore", "kill"},
    {"system_powerdown=ignore quit=ignore sigterm=silence", "kill"},
    {"system_powerdown=ignore quit=ignore sigterm=hang", "kill"},
    {"system_powerdown=ignore quit=ignore sigterm=exit", "terminate"},
};

class StopFaults : public DriverTest, public ::testing::WithParamInterface<Cell> {
 protected:
  static void TearDownTestSuite() { std::cout << "cells passed " << passed << " / " << std::size(cells) << '\n'; }
  void TearDown() override {
    DriverTest::TearDown();
    if (!HasFailure()) ++passed;
  }
  static std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
      const auto word = text.substr(0, text.find(' '));
      words.emplace_back(word);
      text.remove_prefix(std::min(text.size(), word.size() + 1));
    }
    return words;
  }
  static std::size_t passed;
};
std::size_t StopFaults::passed = 0;

TEST_P(StopFaults, EndAtTheNextRungAndLeaveNothing) {
  const auto vm = start(words_of(GetParam().words));
  const StopOptions options{.guest_grace = 200ms, .hypervisor_grace = 200ms, .terminate_grace = 200ms};
  const auto result = vm->stop(options, limit);
  EXPECT_EQ(to_string(result.rung), GetParam().rung);
  const auto state = vm->status(limit).state;
  EXPECT_TRUE(state == VmState::stopped || state == VmState::failed) << to_string(state);
  EXPECT_FALSE(result.exit.text.empty());
  expect_nothing_runs();
  EXPECT_EQ(to_string(vm->stop({}, limit).rung), "already_stopped");
}

INSTANTIATE_TEST_SUITE_P(Steps, StopFaults, ::testing::ValuesIn(cells), [](const auto& cell) {
  std::string name = cell.param.words;
  std::ranges::replace_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

}  // namespace
}  // namespace visor::sdk

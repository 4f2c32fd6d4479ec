// SPDX-License-Identifier: Apache-2.0
// The guest's console: output with its history, and input.
#include "fixture.hpp"

namespace visor::conformance {
namespace {

VISOR_CONFORMANCE_SUITE(Consoles);

/// Reads until the text has come. Fails with what came instead.
void expect_output(Console& console, const std::string& text, const CallContext& call) {
  std::string seen;
  char buffer[512];
  try {
    while (seen.find(text) == std::string::npos) {
      const auto count = console.read(buffer, sizeof buffer, call);
      if (count == 0) break;
      seen.append(buffer, count);
    }
  } catch (const Error& error) {
    ADD_FAILURE() << error.what() << ", after: " << seen;
    return;
  }
  EXPECT_NE(seen.find(text), std::string::npos) << seen;
}

void read_to_end(Console& console, const CallContext& call) {
  char buffer[512];
  while (console.read(buffer, sizeof buffer, call) > 0) {
  }
}

TEST_P(Consoles, EveryReaderSeesTheHistory) {
  VISOR_NEEDS(Feature::console);
  if (subject().console_text.empty()) GTEST_SKIP() << subject().name << " describes no console text";
  const auto vm = started();
  const auto first = vm->console(quick());
  expect_output(*first, subject().console_text, patient());
  const auto second = vm->console(quick());
  expect_output(*second, subject().console_text, quick());
}

TEST_P(Consoles, TheGuestAnswersAndAllReadersSeeIt) {
  VISOR_NEEDS(Feature::console);
  if (subject().console_input.empty()) GTEST_SKIP() << subject().name << " describes no console input";
  const auto vm = started();
  const auto writer = vm->console(quick());
  const auto other = vm->console(quick());
  if (!subject().console_text.empty()) expect_output(*writer, subject().console_text, patient());
  writer->write(subject().console_input, quick());
  expect_output(*writer, subject().console_answer, patient());
  expect_output(*other, subject().console_answer, patient());
}

TEST_P(Consoles, ASilentConsoleTimesOut) {
  VISOR_NEEDS(Feature::console);
  const auto vm = in_state(VmState::paused, subject().config);
  const auto console = vm->console(quick());
  char buffer[512];
  error_of(Errc::timeout, [&] {
    const auto call = moment();
    while (console->read(buffer, sizeof buffer, call) > 0) {  // what firmware wrote before it was paused
    }
  });
}

TEST_P(Consoles, TheEndOfTheVmIsTheEndOfTheOutput) {
  VISOR_NEEDS(Feature::console);
  const auto vm = started();
  const auto console = vm->console(quick());
  vm->stop({.force = true}, quick());
  EXPECT_NO_THROW(read_to_end(*console, quick()));
  EXPECT_THROW(console->write("x", quick()), Error);
}

TEST_P(Consoles, TheHistoryOutlivesTheVm) {
  VISOR_NEEDS(Feature::console);
  if (!subject().console_after_end) GTEST_SKIP() << subject().name << " has no console after the end";
  const auto vm = in_state(VmState::stopped, subject().config);
  const auto console = vm->console(quick());
  if (!subject().console_text.empty()) expect_output(*console, subject().console_text, quick());
  EXPECT_NO_THROW(read_to_end(*console, quick()));
}

}  // namespace
}  // namespace visor::conformance

// SPDX-License-Identifier: Apache-2.0
#include "exit.hpp"

#include "visor/sdk/exit.hpp"

#include <csignal>
#include <string_view>

namespace uml {
namespace {

using Kind = visor::sdk::ExitStatus::Kind;
using visor::ExitCause;
using visor::sdk::EndedBy;

bool says(std::string_view words, std::string_view text) { return words.find(text) != std::string_view::npos; }

std::string_view last_line(std::string_view words) {
  while (words.ends_with('\n') || words.ends_with('\r')) words.remove_suffix(1);
  return words.substr(words.rfind('\n') + 1);  // none: all of it
}

visor::ExitCause cause_of(const visor::sdk::ExitRecord& kept) {
  const std::string_view words = kept.stderr_tail;  // the kernel's messages: see ssl0 in command.cpp
  if (kept.status.kind == Kind::unknown) return ExitCause::unknown;
  // After a panic UML aborts itself.
  const bool aborted = kept.status.kind == Kind::signal && kept.status.value == SIGABRT;
  if (aborted && says(words, "Kernel panic - not syncing")) return ExitCause::guest_panic;
  if (kept.ended_by == EndedBy::term || kept.ended_by == EndedBy::kill) return ExitCause::stopped;
  if (kept.status.kind == Kind::signal) return ExitCause::signal;
  if (kept.status.value != 0) return ExitCause::exit_code;
  // The kernel's last word is how the guest ended; an earlier one is of a reset that it survived. "halt" of the
  // management console goes without a word.
  const auto last_word = last_line(words);
  if (says(last_word, "reboot: Restarting system")) return ExitCause::guest_reset;
  const bool guest_did = says(last_word, "reboot: System halted") || says(last_word, "reboot: Power down");
  return guest_did || kept.ended_by == EndedBy::itself ? ExitCause::guest_shutdown : ExitCause::stopped;
}

std::string text_of(ExitCause cause, const visor::sdk::ExitRecord& kept) {
  if (cause == ExitCause::unknown) return "It is " + kept.status.text();
  if (cause == ExitCause::stopped) return "It was stopped";
  if (cause == ExitCause::guest_shutdown) return "The guest powered itself off";
  if (cause == ExitCause::guest_reset) return "The guest asked for a reset";
  if (cause == ExitCause::guest_panic) return "The guest kernel panicked";
  const auto words = visor::sdk::stderr_excerpt(kept.stderr_tail);
  return "User-Mode Linux ended with " + kept.status.text() + (words.empty() ? "" : ": " + words);
}

}  // namespace

visor::ExitRecord explain(const visor::sdk::ExitRecord& kept) {
  visor::ExitRecord out;
  out.cause = cause_of(kept);
  if (kept.status.kind == Kind::code) out.code = kept.status.value;
  // A panic is told by an abort, but it was not a signal that ended the guest.
  if (kept.status.kind == Kind::signal && out.cause != ExitCause::guest_panic) out.signal = kept.status.value;
  out.stderr_tail = kept.stderr_tail;
  out.text = text_of(out.cause, kept);
  out.time = std::chrono::system_clock::time_point{std::chrono::microseconds{kept.time_us}};
  return out;
}

}  // namespace uml

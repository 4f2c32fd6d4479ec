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

visor::ExitCause cause_of(const visor::sdk::ExitRecord& kept) {
  const std::string_view words = kept.stderr_tail;  // the kernel's messages: see ssl0 in config.cpp
  const auto says = [words](std::string_view text) { return words.find(text) != std::string_view::npos; };
  if (kept.status.kind == Kind::unknown) return ExitCause::unknown;
  // After a panic UML aborts itself.
  const bool aborted = kept.status.kind == Kind::signal && kept.status.value == SIGABRT;
  if (aborted && says("Kernel panic - not syncing")) return ExitCause::guest_panic;
  if (kept.ended_by != EndedBy::itself) return ExitCause::stopped;
  if (kept.status.kind == Kind::signal) return ExitCause::signal;
  if (kept.status.value != 0) return ExitCause::exit_code;
  return says("reboot: Restarting system") ? ExitCause::guest_reset : ExitCause::guest_shutdown;
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

// SPDX-License-Identifier: Apache-2.0
#include "exit_cause.hpp"

#include "qmp_events.hpp"

#include <string_view>

namespace visor::sdk {
namespace {

struct Events {
  std::string last;
  bool panicked = false;
  bool guest_shutdown = false;
  bool guest_reset = false;
};

Events read_events(const ExitRecord& kept) {
  Events out;
  for (const auto& entry : kept.last_lines) {
    const auto event = event_from_line(entry.line);
    if (!event) continue;
    out.last = event->name;
    out.panicked |= event->kind == EventKind::guest_panicked;
    out.guest_shutdown |= event->kind == EventKind::guest_shutdown;
    // A reset that the guest survived is followed by other events; only the SHUTDOWN says that it was the end.
    out.guest_reset |= event->kind == EventKind::guest_reset && event->name == "SHUTDOWN";
    const auto* reason = event->name == "SHUTDOWN" ? event->data.find("reason") : nullptr;
    out.panicked |= reason != nullptr && *reason == Value{"guest-panic"};
  }
  return out;
}

ExitCause cause_of(const ExitRecord& kept, const Events& events) {
  if (kept.status.kind == ExitStatus::Kind::unknown) return ExitCause::unknown;
  if (events.panicked) return ExitCause::guest_panic;
  if (kept.ended_by == EndedBy::term || kept.ended_by == EndedBy::kill) return ExitCause::stopped;
  if (kept.status.kind == ExitStatus::Kind::signal) return ExitCause::signal;
  if (kept.status.value != 0) return ExitCause::exit_code;
  if (events.guest_shutdown) return ExitCause::guest_shutdown;
  if (events.guest_reset) return ExitCause::guest_reset;
  return ExitCause::stopped;
}

std::string text_of(ExitCause cause, const ExitRecord& kept) {
  switch (cause) {
    case ExitCause::unknown:
      return "It is " + kept.status.text();
    case ExitCause::stopped:
      return "It was stopped";
    case ExitCause::guest_shutdown:
      return "The guest powered itself off";
    case ExitCause::guest_reset:
      return "The guest asked for a reset";
    case ExitCause::guest_panic:
      return "The guest kernel panicked";
    case ExitCause::exit_code:
    case ExitCause::signal:
      break;
  }
  const auto excerpt = stderr_excerpt(kept.stderr_tail);
  return "QEMU ended with " + kept.status.text() + (excerpt.empty() ? "" : ": " + excerpt);
}

}  // namespace

visor::ExitRecord explain_exit(const ExitRecord& kept) {
  const auto events = read_events(kept);
  visor::ExitRecord out;
  out.cause = cause_of(kept, events);
  if (kept.status.kind == ExitStatus::Kind::code) out.code = kept.status.value;
  if (kept.status.kind == ExitStatus::Kind::signal) out.signal = kept.status.value;
  out.last_event = events.last;
  out.stderr_tail = kept.stderr_tail;
  out.text = text_of(out.cause, kept);
  out.time = std::chrono::system_clock::time_point{std::chrono::microseconds{kept.time_us}};
  return out;
}

}  // namespace visor::sdk

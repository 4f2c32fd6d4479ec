// SPDX-License-Identifier: Apache-2.0
#include "exit_cause.hpp"

#include "helpers.hpp"
#include "qmp_events.hpp"
#include "visor/core/error.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>

namespace visor::sdk {
namespace {

struct Events {
  std::string last;
  bool panicked = false;
  bool guest_shutdown = false;
  bool guest_reset = false;
  bool host_asked = false;  // by "quit" or SIGTERM
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
    if (reason == nullptr) continue;
    out.panicked |= *reason == Value{"guest-panic"};
    out.host_asked |= *reason == Value{"host-qmp-quit"} || *reason == Value{"host-signal"};
  }
  return out;
}

/// Of a process that an adopting keeper could not reap: what led to the end was seen, if not the end itself.
ExitCause cause_of_adopted(const ExitRecord& kept, const Events& events) {
  if (events.panicked) return ExitCause::guest_panic;
  if (events.guest_shutdown) return ExitCause::guest_shutdown;
  if (events.guest_reset) return ExitCause::guest_reset;
  const bool ended = kept.ended_by == EndedBy::term || kept.ended_by == EndedBy::kill;
  return ended || events.host_asked ? ExitCause::stopped : ExitCause::unknown;
}

ExitCause cause_of(const ExitRecord& kept, const Events& events) {
  if (kept.status.kind == ExitStatus::Kind::unknown) return cause_of_adopted(kept, events);
  if (events.panicked) return ExitCause::guest_panic;
  if (kept.ended_by == EndedBy::term || kept.ended_by == EndedBy::kill) return ExitCause::stopped;
  if (kept.status.kind == ExitStatus::Kind::signal) return ExitCause::signal;
  if (kept.status.value != 0) return ExitCause::exit_code;
  if (events.guest_shutdown) return ExitCause::guest_shutdown;
  if (events.guest_reset) return ExitCause::guest_reset;
  return ExitCause::stopped;
}

/// One that ended badly before QEMU did may be why.
const HelperExit* failed_helper(const ExitRecord& kept) {
  const auto found = std::ranges::find_if_not(kept.helpers, ended_well, &HelperExit::status);
  return found == kept.helpers.end() ? nullptr : &*found;
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
  auto text = "QEMU ended with " + kept.status.text() + (excerpt.empty() ? "" : ": " + excerpt);
  const auto* const helper = failed_helper(kept);
  if (helper == nullptr) return text;
  return "The helper " + end_of_helper(helper->name, helper->status, helper->stderr_tail) +
         " (shared_fs.daemon and shared_fs.daemon_args say how it is started); after it " + text;
}

ExitCause exit_cause_named(std::string_view name) {
  for (const auto cause : {ExitCause::stopped, ExitCause::guest_shutdown, ExitCause::guest_reset,
                           ExitCause::guest_panic, ExitCause::exit_code, ExitCause::signal}) {
    if (to_string(cause) == name) return cause;
  }
  return ExitCause::unknown;
}

}  // namespace

bool helper_failed(const std::string& run_dir) {
  const auto kept = read_exit_record(run_dir);
  return kept && failed_helper(*kept) != nullptr;
}

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

Value exit_to_value(const visor::ExitRecord& exit) {
  using std::chrono::microseconds;
  auto value = Value::map({{"cause", to_string(exit.cause)}, {"text", exit.text}, {"last_event", exit.last_event}});
  value.set("time_us", std::chrono::duration_cast<microseconds>(exit.time.time_since_epoch()).count());
  value.set("stderr_tail", exit.stderr_tail);
  if (exit.code) value.set("code", *exit.code);
  if (exit.signal) value.set("signal", *exit.signal);
  return value;
}

std::optional<visor::ExitRecord> exit_from_value(const Value* value) try {
  if (value == nullptr || !value->is_map()) return std::nullopt;
  visor::ExitRecord exit;
  exit.cause = exit_cause_named(value->at("cause").as_string());
  exit.text = value->at("text").as_string();
  exit.last_event = value->at("last_event").as_string();
  exit.stderr_tail = value->at("stderr_tail").as_string();
  exit.time = std::chrono::system_clock::time_point{std::chrono::microseconds{value->at("time_us").as_int()}};
  if (const auto* code = value->find("code")) exit.code = static_cast<int>(code->as_int());
  if (const auto* signal = value->find("signal")) exit.signal = static_cast<int>(signal->as_int());
  return exit;
} catch (const Error&) {
  return std::nullopt;
}

}  // namespace visor::sdk

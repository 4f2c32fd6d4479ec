// SPDX-License-Identifier: Apache-2.0
#include "qmp_events.hpp"

#include "visor/core/error.hpp"
#include "visor/core/json.hpp"
#include "visor/core/vm_state.hpp"

#include <chrono>

namespace visor::sdk {
namespace {

std::string_view text_of(const Value& map, std::string_view key) {
  const auto* member = map.find(key);
  return member != nullptr && member->is_string() ? std::string_view{member->as_string()} : std::string_view{};
}

EventKind shutdown_kind(std::string_view reason) {
  if (reason == "guest-shutdown") return EventKind::guest_shutdown;
  if (reason == "guest-reset") return EventKind::guest_reset;
  return EventKind::other;
}

EventKind kind_of(const Event& event) {
  const auto& name = event.name;
  if (name == "SHUTDOWN") return shutdown_kind(text_of(event.data, "reason"));
  if (name == "RESET")
    return text_of(event.data, "reason") == "guest-reset" ? EventKind::guest_reset : EventKind::other;
  if (name == "GUEST_PANICKED" || name == "GUEST_CRASHLOADED") return EventKind::guest_panicked;
  if (name == "STOP" || name == "RESUME") return EventKind::state_changed;
  if (name == "DEVICE_DELETED") {
    return text_of(event.data, "device").empty() ? EventKind::other : EventKind::device_removed;
  }
  if (name == "DEVICE_UNPLUG_GUEST_ERROR" || name == "MEM_UNPLUG_ERROR") return EventKind::unplug_refused;
  if (name == "VSERPORT_CHANGE") return EventKind::port_opened;
  return EventKind::other;
}

}  // namespace

void give_meaning(Event& event) {
  event.kind = kind_of(event);
  if (event.kind == EventKind::state_changed) {
    event.data.set("state", to_string(event.name == "STOP" ? VmState::paused : VmState::running));
  }
  if (event.kind == EventKind::port_opened) event.data.set("port", text_of(event.data, "id"));
}

std::optional<Event> event_from_line(std::string_view line) try {
  const auto object = parse_json(line);
  if (text_of(object, "event").empty()) return std::nullopt;
  Event event;
  event.name = object.at("event").as_string();
  if (const auto* data = object.find("data"); data != nullptr) event.data = *data;
  const auto& time = object.at("timestamp");
  event.time = std::chrono::system_clock::time_point{std::chrono::seconds{time.at("seconds").as_int()} +
                                                     std::chrono::microseconds{time.at("microseconds").as_int()}};
  give_meaning(event);
  return event;
} catch (const Error&) {
  return std::nullopt;
}

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#include "qmp_events.hpp"

#include "qmp/codec.hpp"
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"
#include "visor/core/vm_state.hpp"

#include <utility>
#include <variant>

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

bool tells_of_port(const Value& data) {
  const auto* open = data.find("open");
  return !text_of(data, "id").empty() && open != nullptr && open->kind() == Value::Kind::boolean;
}

EventKind kind_of(const Event& event) {
  const auto& name = event.name;
  if (!event.data.is_map() && !event.data.is_null()) return EventKind::other;
  if (name == "SHUTDOWN") return shutdown_kind(text_of(event.data, "reason"));
  if (name == "RESET")
    return text_of(event.data, "reason") == "guest-reset" ? EventKind::guest_reset : EventKind::other;
  if (name == "GUEST_PANICKED" || name == "GUEST_CRASHLOADED") return EventKind::guest_panicked;
  if (name == "STOP" || name == "RESUME") return EventKind::state_changed;
  if (name == "DEVICE_DELETED") {
    return text_of(event.data, "device").empty() ? EventKind::other : EventKind::device_removed;
  }
  if (name == "DEVICE_UNPLUG_GUEST_ERROR" || name == "MEM_UNPLUG_ERROR") return EventKind::unplug_refused;
  if (name == "VSERPORT_CHANGE") return tells_of_port(event.data) ? EventKind::port_opened : EventKind::other;
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
  auto message = qmp::classify(parse_json(line));
  auto* const event = std::get_if<Event>(&message);
  if (event == nullptr) return std::nullopt;
  give_meaning(*event);
  return std::move(*event);
} catch (const Error&) {
  return std::nullopt;
}

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#include "vcpus.hpp"

#include "qemu/resize/last_word.hpp"
#include "qmp/follow.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/qmp/commands.hpp"
#include "visor/sdk/qmp/commands/device.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <tuple>

namespace visor::sdk {
namespace {

constexpr std::string_view peripheral = "/machine/peripheral/";
constexpr std::string_view prefix = "visor-vcpu";
constexpr std::chrono::milliseconds ask_again{50};
/// A request that reaches a guest while its firmware runs is lost: guests of q35 let go of nothing then.
constexpr std::chrono::milliseconds request_again{2000};
/// ACPI 6.3, 6.3.5: the event that asks for an ejection, and the least status that says it will not be.
constexpr std::int64_t ost_eject_request = 3;
constexpr std::int64_t ost_in_progress = 0x84;

std::optional<std::uint32_t> number_of(const std::string& qom_path) {
  const auto start = std::string{peripheral} + std::string{prefix};
  if (!qom_path.starts_with(start)) return std::nullopt;
  std::uint32_t number = 0;
  const auto* const end = qom_path.data() + qom_path.size();
  const auto parsed = std::from_chars(qom_path.data() + start.size(), end, number);
  return parsed.ec == std::errc{} && parsed.ptr == end ? std::optional{number} : std::nullopt;
}

PluggedVcpu vcpu_of(const qmp::HotpluggableCpu& place, std::uint32_t number) {
  PluggedVcpu vcpu{.number = number, .vcpus = place.vcpus, .device = Value::map()};
  vcpu.device.set("driver", place.type).set("id", std::string{prefix} + std::to_string(number));
  const auto props = place.properties.to_value();
  for (const auto& [name, value] : props.as_map()) vcpu.device.set(name, value);
  return vcpu;
}

/// By where they sit: QEMU lists the highest first.
bool sits_before(const qmp::HotpluggableCpu& one, const qmp::HotpluggableCpu& other) {
  const auto rank = [](const qmp::CpuProperties& p) {
    return std::tuple{p.node, p.socket, p.die, p.cluster, p.core, p.thread};
  };
  return rank(one.properties) < rank(other.properties);
}

bool is_refusal(const Event& event, const std::string& id) {
  if (event.name == "DEVICE_UNPLUG_GUEST_ERROR") {
    const auto* const device = event.data.find("device");
    return device != nullptr && *device == Value{id};
  }
  const auto* const info = event.name == "ACPI_DEVICE_OST" ? event.data.find("info") : nullptr;
  const auto* const device = info != nullptr ? info->find("device") : nullptr;
  const auto* const status = info != nullptr ? info->find("status") : nullptr;
  const auto* const source = info != nullptr ? info->find("source") : nullptr;
  if (device == nullptr || status == nullptr || source == nullptr) return false;
  return *device == Value{id} && *source == Value{ost_eject_request} && *status != Value{0} &&
         *status != Value{ost_in_progress};
}

bool is_there(qmp::Client& client, const PluggedVcpu& vcpu, const CallContext& call) {
  const auto now = read_vcpus(client, call);
  return std::ranges::find(now.plugged, vcpu.number, &PluggedVcpu::number) != now.plugged.end();
}

/// Waits for the next event, for a moment.
std::optional<Event> next_event(EventQueue& events, const CallContext& call) try {
  return qmp::next_in_time(events, call.at_most(ask_again));
} catch (const Error& error) {
  if (error.code() != Errc::timeout) throw;
  return std::nullopt;
}

}  // namespace

Vcpus read_vcpus(qmp::Client& client, const CallContext& call) {
  auto places = qmp::query_hotpluggable_cpus(client, call);
  if (!places) throw Error(Errc::unsupported, "This machine of QEMU takes no vCPUs while it runs");
  std::ranges::sort(*places, sits_before);
  Vcpus out;
  for (const auto& place : *places) {
    if (!place.qom_path) continue;
    out.count += place.vcpus;
    if (const auto number = number_of(*place.qom_path)) out.plugged.push_back(vcpu_of(place, *number));
  }
  std::ranges::sort(out.plugged, {}, &PluggedVcpu::number);
  auto next = out.plugged.empty() ? 0 : out.plugged.back().number + 1;
  for (const auto& place : *places) {
    if (!place.qom_path) out.free.push_back(vcpu_of(place, next++));
  }
  return out;
}

UnplugOutcome remove_vcpu(qmp::Client& client, const PluggedVcpu& vcpu, const CallContext& call) {
  const auto id = vcpu.device.at("id").as_string();
  const auto events = client.subscribe({"DEVICE_DELETED", "DEVICE_UNPLUG_GUEST_ERROR", "ACPI_DEVICE_OST"});
  const auto waits = before_last_word(call);
  qmp::device_del(client, id, call);
  auto asked = std::chrono::steady_clock::now();
  while (is_there(client, vcpu, call)) {
    if (waits.expired()) return UnplugOutcome::pending;
    const auto event = next_event(*events, waits);
    if (event && is_refusal(*event, id)) return UnplugOutcome::refused;
    if (std::chrono::steady_clock::now() - asked < request_again) continue;
    asked = std::chrono::steady_clock::now();
    // One that QEMU still has under way it refuses: the first request stands.
    (void)client.call({"device_del", Value::map({{"id", id}})}, call);
  }
  return UnplugOutcome::gone;
}

}  // namespace visor::sdk

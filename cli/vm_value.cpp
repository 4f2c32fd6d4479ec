// SPDX-License-Identifier: Apache-2.0
#include "vm_value.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <variant>

namespace visor::cli {
namespace {

Value process_value(const ProcessIdentity& process) {
  return process.pid == 0 ? Value{} : Value::map({{"pid", process.pid}, {"start_time", process.start_time}});
}

Value optional_value(const std::optional<int>& number) { return number ? Value{*number} : Value{}; }

}  // namespace

std::string iso_time(std::chrono::system_clock::time_point time) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(ms);
  const auto count = static_cast<std::time_t>(seconds.count());
  std::tm parts{};
  ::gmtime_r(&count, &parts);
  std::array<char, 32> text{};
  const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 16> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>((ms - seconds).count()));
  return std::string{text.data(), size} + fraction.data();
}

Value error_value(const Error& error) {
  return Value::map({{"code", to_string(error.code())}, {"message", error.message()}});
}

Value exit_value(const ExitRecord& record) {
  return Value::map({{"state", to_string(final_state(record))},
                     {"cause", to_string(record.cause)},
                     {"code", optional_value(record.code)},
                     {"signal", optional_value(record.signal)},
                     {"text", record.text},
                     {"last_event", record.last_event},
                     {"stderr_tail", record.stderr_tail},
                     {"time", iso_time(record.time)}});
}

Value entry_value(const VmEntry& entry) {
  auto value = Value::map({{"id", entry.id}, {"run_dir", entry.run_dir.string()}});
  if (entry.status) {
    value.set("state", to_string(entry.status->state));
    value.set("responsive", entry.status->responsive);
    value.set("guest_panicked", entry.status->guest_panicked);
    value.set("detail", entry.status->detail);
    Value::List pids;
    for (const auto pid : entry.pids) pids.emplace_back(pid);
    value.set("pids", std::move(pids));
  }
  if (entry.record) {
    value.set("name", entry.record->config.name);
    value.set("plugin", entry.record->plugin);
    value.set("keeper", process_value(entry.record->keeper));
    value.set("hypervisor", process_value(entry.record->hypervisor));
    value.set("customised", is_customised(entry.record->config));
  }
  value.set("owner",
            entry.owner ? Value::map({{"pid", entry.owner->pid}, {"operation", entry.owner->operation}}) : Value{});
  if (entry.error) value.set("error", error_value(*entry.error));
  return value;
}

bool is_customised(const VmConfig& config) {
  for (const auto& device : config.devices) {
    if (std::holds_alternative<RawDeviceConfig>(device)) return true;
  }
  return !config.host.hypervisor_params.empty();
}

std::string state_text(const VmEntry& entry) {
  if (!entry.status) return "?";
  auto text = std::string{to_string(entry.status->state)};
  if (entry.status->guest_panicked && !is_over(entry.status->state)) text += " (guest panicked)";
  if (!entry.status->responsive) text += " (unresponsive)";
  return text;
}

std::string exit_text(const std::string& id, const ExitRecord& record) {
  auto text = "The VM '" + id + "' " + (final_state(record) == VmState::failed ? "failed" : "ended") + ": " +
              std::string{to_string(record.cause)};
  if (!record.text.empty()) text += ": " + record.text;
  if (final_state(record) == VmState::failed && !record.stderr_tail.empty() &&
      record.text.find(record.stderr_tail) == std::string::npos) {
    text += "\n" + record.stderr_tail;
  }
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace visor::cli

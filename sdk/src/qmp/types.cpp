// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/types.hpp"

#include <array>
#include <cstddef>
#include <utility>

namespace visor::sdk::qmp {
namespace {

constexpr std::array<std::string_view, 7> state_names = {
    "connecting", "awaiting_greeting", "negotiating", "ready", "closing", "closed", "failed"};

struct ClassName {
  ErrorClass error_class;
  std::string_view name;
};
constexpr std::array<ClassName, 5> class_names = {{{ErrorClass::generic_error, "GenericError"},
                                                   {ErrorClass::command_not_found, "CommandNotFound"},
                                                   {ErrorClass::device_not_active, "DeviceNotActive"},
                                                   {ErrorClass::device_not_found, "DeviceNotFound"},
                                                   {ErrorClass::kvm_missing_cap, "KVMMissingCap"}}};

}  // namespace

std::string to_string(const Version& version) {
  return std::to_string(version.major) + '.' + std::to_string(version.minor) + '.' + std::to_string(version.micro);
}

std::string_view to_string(State state) noexcept {
  const auto index = static_cast<std::size_t>(state);
  return index < state_names.size() ? state_names[index] : "unknown";
}

std::string_view to_string(ErrorClass error_class) noexcept {
  for (const auto& entry : class_names) {
    if (entry.error_class == error_class) return entry.name;
  }
  return error_class == ErrorClass::none ? "none" : "other";
}

ErrorClass error_class_of(std::string_view qmp_name) noexcept {
  for (const auto& entry : class_names) {
    if (entry.name == qmp_name) return entry.error_class;
  }
  return ErrorClass::other;
}

Counters& Counters::operator+=(const Counters& other) noexcept {
  for (const auto member :
       {&Counters::sent, &Counters::replied, &Counters::errors, &Counters::timed_out, &Counters::cancelled,
        &Counters::withdrawn, &Counters::late, &Counters::unknown_ids, &Counters::unknown_objects, &Counters::events,
        &Counters::dropped, &Counters::callback_failures, &Counters::bytes_in, &Counters::bytes_out}) {
    this->*member += other.*member;
  }
  return *this;
}

void QmpError::raise() const { throw Error(code, message); }

Outcome::Outcome(Value value) noexcept : data_{std::move(value)} {}
Outcome::Outcome(QmpError error) noexcept : data_{std::move(error)} {}

const Value& Outcome::value() const& {
  if (const auto* const failure = error()) failure->raise();
  return std::get<Value>(data_);
}

Value Outcome::value() && {
  if (const auto* const failure = error()) failure->raise();
  return std::get<Value>(std::move(data_));
}

bool Outcome::refused(ErrorClass error_class) const noexcept {
  const auto* const failure = error();
  return failure && failure->code == Errc::hypervisor_error && failure->error_class == error_class;
}

}  // namespace visor::sdk::qmp

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/error.hpp"
#include "visor/core/value.hpp"
#include "visor/sdk/export.h"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace visor::sdk::qmp {

/// The version that QEMU states in its greeting. Compared by its three numbers.
struct Version {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::uint32_t micro = 0;
  std::string package = {};  ///< the distribution's own version, may be empty

  friend std::strong_ordering operator<=>(const Version& a, const Version& b) noexcept {
    if (auto order = a.major <=> b.major; order != 0) return order;
    if (auto order = a.minor <=> b.minor; order != 0) return order;
    return a.micro <=> b.micro;
  }
  friend bool operator==(const Version& a, const Version& b) noexcept { return (a <=> b) == 0; }
};

/// "7.2.22"
VISOR_SDK_EXPORT std::string to_string(const Version& version);

// clang-format off
/// Where a session stands.
///
/// | state             | what is known                                                     | next                |
/// |-------------------|-------------------------------------------------------------------|---------------------|
/// | connecting        | no socket yet                                                     | awaiting, failed    |
/// | awaiting_greeting | connected; QEMU may be serving another client, or be stopped      | negotiating, failed |
/// | negotiating       | QEMU greeted; its machine may still fail to start                 | ready, failed       |
/// | ready             | QEMU answered qmp_capabilities: the machine exists                | closing, failed     |
/// | closing           | shutdown() was called; pending calls are being failed             | closed              |
/// | closed            | ended by this side                                                | –                   |
/// | failed            | ended by the other side, or by something unreadable that it sent  | –                   |
// clang-format on
enum class State : std::uint32_t { connecting = 0, awaiting_greeting, negotiating, ready, closing, closed, failed };

VISOR_SDK_EXPORT std::string_view to_string(State state) noexcept;

/// QEMU's own classes of errors.
enum class ErrorClass : std::uint32_t {
  none = 0,  ///< the error did not come from QEMU
  generic_error,
  command_not_found,
  device_not_active,
  device_not_found,
  kvm_missing_cap,
  other,  ///< a class that this library does not know
};

VISOR_SDK_EXPORT std::string_view to_string(ErrorClass error_class) noexcept;
/// The class with this QMP name ("DeviceNotFound").
VISOR_SDK_EXPORT ErrorClass error_class_of(std::string_view qmp_name) noexcept;

/// Why a command or a session failed, as a value. The message is complete: what was asked, of whom, what came of it.
struct VISOR_SDK_EXPORT QmpError {
  Errc code = Errc::internal;
  std::string message;
  ErrorClass error_class = ErrorClass::none;  ///< set with Errc::hypervisor_error
  std::string description = {};               ///< QEMU's own words, with Errc::hypervisor_error
  bool unsent = false;                        ///< nothing of the command reached QEMU, now or later; false: it may have

  /// Throws it as visor::Error.
  [[noreturn]] void raise() const;
};

/// What became of a command: the value that QEMU returned, or an error.
class VISOR_SDK_EXPORT Outcome {
 public:
  Outcome(Value value) noexcept;     // NOLINT(google-explicit-constructor)
  Outcome(QmpError error) noexcept;  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const noexcept { return data_.index() == 0; }
  /// The value; throws the error as visor::Error.
  [[nodiscard]] const Value& value() const&;
  [[nodiscard]] Value value() &&;
  /// The error, or null.
  [[nodiscard]] const QmpError* error() const noexcept { return std::get_if<QmpError>(&data_); }
  /// Whether QEMU refused with this class.
  [[nodiscard]] bool refused(ErrorClass error_class) const noexcept;

 private:
  std::variant<Value, QmpError> data_;
};

/// What a session did since it began.
struct VISOR_SDK_EXPORT Counters {
  std::uint64_t sent = 0;             ///< commands handed to the socket completely, and the negotiation before them
  std::uint64_t replied = 0;          ///< answers, good or bad, that reached their call
  std::uint64_t errors = 0;           ///< those of them that were errors
  std::uint64_t timed_out = 0;        ///< calls that ended at their deadline
  std::uint64_t cancelled = 0;        ///< calls that their caller cancelled
  std::uint64_t withdrawn = 0;        ///< those of these two that were never sent
  std::uint64_t late = 0;             ///< answers that came after their call had ended
  std::uint64_t unknown_ids = 0;      ///< answers to nothing that was asked, or a second time
  std::uint64_t unknown_objects = 0;  ///< objects that are no greeting, answer or event
  std::uint64_t events = 0;
  std::uint64_t dropped = 0;            ///< events that full subscriber queues lost
  std::uint64_t callback_failures = 0;  ///< callbacks that threw
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;

  Counters& operator+=(const Counters& other) noexcept;
};

}  // namespace visor::sdk::qmp
